// The product without HTTP and SQL: an in-memory shelf, real crypto.
#include "gateway/deposit.h"

#include <algorithm>
#include <map>
#include <span>

#include "crypto/hash.h"
#include "records/index.h"
#include "tests/dicom/part10_files.h"
#include "tests/gateway/letters.h"

namespace letterbox::gateway {
namespace {

// A file whose pixels are so many bytes.
Bytes dicom(std::size_t pixels) {
  dicom::DataSet set = dicom::named(dicom::kCtImage);
  set.element(0x7fe00010, "OW", std::string(pixels, 'Z'));
  const std::string file = dicom::file_of(set);
  return {file.begin(), file.end()};
}

class Deposit : public LetterTest {
 protected:
  ErrorCode refusal(ByteView bytes, const Uuid& id, const records::SignedCover& cover) {
    return refusal_of([&] {
      ViewSource body(bytes, 1000);
      deposit_sealed(body, id, cover, sender_, shelf_->blobs());
    });
  }

  std::unique_ptr<dicom::Inspector> inspector_ = dicom::make_inspector();
};

TEST_F(Deposit, WhatArrivesComesOutOnlyForTheRecipient) {
  const Bytes plaintext = dicom(3'000'000);
  const records::SignedCover cover = gateway_cover();
  ViewSource body(plaintext, 4097);
  const Receipt receipt = deposit(body, dicom::MediaType::kDicom, cover, gateway_key_, *inspector_,
                                  sender_, shelf_->blobs());

  const Bytes sealed = stored(receipt.file.id);
  ViewSource source(sealed);
  Bytes first_payload;
  const crypto::Header header = crypto::read_header(source, first_payload);
  const crypto::FileKey key = crypto::unwrap(header, std::span(&surgeon_.identity, 1));
  EXPECT_NO_THROW(crypto::verify_header(header, key, cover.hash, cover.cover.keys()));
  EXPECT_THROW(crypto::unwrap(header, std::span(&radiology_.identity, 1)), Error);

  const ByteView payload = ByteView(sealed).subspan(header.bytes.size());
  ViewSource payload_source(payload);
  const crypto::PayloadNonce nonce = crypto::payload_nonce(key, receipt.file.id);
  crypto::Opener opener(key, payload_source, &nonce);
  EXPECT_EQ(read_all(opener, SIZE_MAX), plaintext);
}

TEST_F(Deposit, TheManifestNamesWhatLiesOnTheShelf) {
  const records::SignedCover cover = gateway_cover();
  const Bytes plaintext = dicom(100'000);
  ViewSource body(plaintext);
  const Receipt receipt = deposit(body, dicom::MediaType::kDicom, cover, gateway_key_, *inspector_,
                                  sender_, shelf_->blobs());
  const records::Manifest manifest =
      records::verify_manifest(receipt.manifest, gateway_key_.verify_key());
  EXPECT_EQ(manifest.cover, cover.hash);
  ASSERT_EQ(manifest.files.size(), 1U);
  const Bytes sealed = stored(receipt.file.id);
  const ByteView payload = ByteView(sealed).subspan(receipt.file.header.size());
  EXPECT_EQ(manifest.files[0].length, payload.size());
  EXPECT_EQ(manifest.files[0].sha256, crypto::sha256(payload));
}

TEST_F(Deposit, AnIndexLiesBesideTheFile) {
  const records::SignedCover cover = gateway_cover();
  const Bytes plaintext = dicom(100'000);
  ViewSource body(plaintext);
  const Receipt receipt = deposit(body, dicom::MediaType::kDicom, cover, gateway_key_, *inspector_,
                                  sender_, shelf_->blobs());
  const std::optional<Indexes> indexes =
      collect_indexes(*shelf_, sender_.tenant, cover.cover.delivery);
  ASSERT_TRUE(indexes);
  const Bytes stream = read_all(*indexes->content, SIZE_MAX);
  ASSERT_EQ(stream.size(), indexes->length);
  EXPECT_EQ(Uuid::from_bytes(std::span(stream).first<16>()), receipt.file.id);

  const ByteView sealed = ByteView(stream).subspan(16 + 4);
  ViewSource source(sealed);
  Bytes first_payload;
  const crypto::Header header = crypto::read_header(source, first_payload);
  const crypto::FileKey key = crypto::unwrap(header, std::span(&surgeon_.identity, 1));
  EXPECT_NO_THROW(crypto::verify_header(header, key, cover.hash, cover.cover.keys()));
  const ByteView payload = sealed.subspan(header.bytes.size());
  const records::Manifest manifest =
      records::verify_manifest(receipt.manifest, gateway_key_.verify_key());
  ASSERT_EQ(manifest.indexes.size(), 1U);
  EXPECT_EQ(manifest.indexes[0].id, receipt.file.id);
  EXPECT_EQ(manifest.indexes[0].sha256, crypto::sha256(payload));
  ViewSource payload_source(payload);
  const crypto::PayloadNonce nonce = crypto::payload_nonce(key, receipt.file.id);
  crypto::Opener opener(key, payload_source, &nonce);
  const records::Index index = records::parse_index(read_all(opener, SIZE_MAX));
  EXPECT_EQ(index.type, "application/dicom");
  EXPECT_EQ(index.size, plaintext.size());
  EXPECT_TRUE(index.checked);
}

TEST_F(Deposit, FilesComeInOneStreamButThoseThatMayNotLeave) {
  const records::SignedCover cover = opened();
  std::map<Uuid, Bytes> files;
  std::vector<records::ManifestEntry> entries;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{300}, crypto::kRowSize, 3 * crypto::kRowSize, std::size_t{7}}) {
    const Sealed file = seal(cover, Bytes(size, 'x'));
    ViewSource body(file.bytes);
    const auto stored = deposit_sealed(body, file.id, cover, sender_, shelf_->blobs());
    entries.push_back({file.id, stored.payload_length, stored.payload_sha256});
    files.emplace(file.id, file.bytes);
  }
  close_delivery(
      *shelf_, sender_, cover.cover.delivery,
      records::sign_manifest({cover.cover.delivery, cover.hash, records::now(), entries, {}},
                             radiology_.key));

  const Uuid held_back = std::next(files.begin(), 3)->first;
  std::vector<Uuid> asked;
  const auto stream = [&](const Uuid& after, std::uint64_t up_to) {
    const auto content = collect_files(*shelf_, sender_.tenant, cover.cover.delivery, after, up_to,
                                       [&](std::span<const Uuid> ids) {
                                         std::vector<bool> admitted;
                                         for (const Uuid& id : ids) {
                                           asked.push_back(id);
                                           admitted.push_back(id != held_back);
                                         }
                                         return admitted;
                                       });
    return read_all(*content, SIZE_MAX);
  };
  const auto expected = [&](const Uuid& after, std::uint64_t up_to) {
    Bytes bytes;
    for (const auto& [id, file] : files) {
      const auto entry = std::ranges::find(entries, id, &records::ManifestEntry::id);
      if (id == held_back || id <= after || entry->length > up_to) continue;
      bytes.insert(bytes.end(), id.bytes().begin(), id.bytes().end());
      for (int shift = 56; shift >= 0; shift -= 8) {
        bytes.push_back(static_cast<Byte>(std::uint64_t{file.size()} >> shift));
      }
      bytes.insert(bytes.end(), file.begin(), file.end());
    }
    return bytes;
  };
  EXPECT_EQ(stream(Uuid(), UINT64_MAX), expected(Uuid(), UINT64_MAX));
  EXPECT_EQ(asked.size(), files.size()) << "each once";
  for (const auto& [id, _] : files) EXPECT_EQ(stream(id, 1000), expected(id, 1000));
  EXPECT_THROW(collect_files(*shelf_, sender_.tenant, Uuid::v7(), Uuid(), 0, {}), Error);
}

TEST_F(Deposit, AnIndexThatADeviceSealedIsKeptAsItIs) {
  const records::SignedCover cover = opened();
  const Sealed file = seal(cover, dicom(300));
  ViewSource body(file.bytes);
  const storage::FileRecord stored_file =
      deposit_sealed(body, file.id, cover, sender_, shelf_->blobs());
  const auto put = [&](std::size_t size, const records::SignedCover& under) {
    const Bytes sealed = seal(under, Bytes(size, 'x')).bytes;
    ViewSource index(sealed, 100);
    return deposit_sealed_index(index, file.id, under, sender_, shelf_->blobs());
  };
  EXPECT_THROW(put(crypto::kChunkSize + 1, cover), Error) << "more than a chunk";
  const storage::FileSummary index = put(1000, cover);
  EXPECT_EQ(index.payload_length, crypto::sealed_size(1000));
  EXPECT_THROW(put(1000, cover), Error) << "it has one";

  const auto close_with = [&](Digest sha256) {
    close_delivery(
        *shelf_, sender_, cover.cover.delivery,
        records::sign_manifest({cover.cover.delivery,
                                cover.hash,
                                records::now(),
                                {{file.id, stored_file.payload_length, stored_file.payload_sha256}},
                                {{index.id, index.payload_length, sha256}}},
                               radiology_.key));
  };
  EXPECT_THROW(close_with({}), Error) << "another index than was stored";
  EXPECT_NO_THROW(close_with(index.payload_sha256));
}

TEST_F(Deposit, ABrokenUploadLeavesNothing) {
  const records::SignedCover cover = gateway_cover();
  Broken body(dicom(200'000));
  EXPECT_THROW(deposit(body, dicom::MediaType::kDicom, cover, gateway_key_, *inspector_, sender_,
                       shelf_->blobs()),
               Error);
  EXPECT_FALSE(shelf_->deliveries().find(sender_.tenant, cover.cover.delivery));
  EXPECT_EQ(shelf_->sweep().files, 0U);
}

TEST_F(Deposit, ADeviceSealedFileIsKeptAsItIs) {
  const records::SignedCover cover = opened();
  const Sealed sealed = seal(cover, dicom(2'200'000));
  ViewSource body(sealed.bytes, 777);
  const storage::FileRecord file = deposit_sealed(body, sealed.id, cover, sender_, shelf_->blobs());
  EXPECT_EQ(stored(sealed.id), Bytes()) << "visible before its delivery is closed";

  close(cover, {{file.id, file.payload_length, file.payload_sha256}});
  EXPECT_EQ(stored(sealed.id), sealed.bytes);
}

TEST_F(Deposit, APayloadIsHadFromAnyByteOn) {
  const records::SignedCover cover = opened();
  const Sealed sealed = seal(cover, dicom(2'200'000));
  ViewSource body(sealed.bytes);
  const storage::FileRecord file = deposit_sealed(body, sealed.id, cover, sender_, shelf_->blobs());
  close(cover, {{file.id, file.payload_length, file.payload_sha256}});
  const ByteView payload = ByteView(sealed.bytes).subspan(file.header.size());
  const std::size_t row = 16 + crypto::kRowSize;
  for (const std::size_t first : {std::size_t{0}, std::size_t{15}, std::size_t{16}, row - 1, row,
                                  row + 1, row + crypto::kRowSize, payload.size() - 1}) {
    const auto content = collect_payload(*shelf_, sender_.tenant, file, first);
    const Bytes rest = read_all(*content, SIZE_MAX);
    EXPECT_TRUE(std::ranges::equal(rest, payload.subspan(first))) << first;
  }
}

TEST_F(Deposit, RefusesAnEmptyBody) {
  EXPECT_EQ(refusal({}, Uuid::v7(), opened()), ErrorCode::kEmptyBody);
}

TEST_F(Deposit, RefusesAFileOfAnotherCover) {
  const records::SignedCover cover = opened();
  const Sealed sealed = seal(opened(), dicom(1000));
  EXPECT_EQ(refusal(sealed.bytes, sealed.id, cover), ErrorCode::kCoverMismatch);
}

TEST_F(Deposit, RefusesAFileThatIsCutAnywhere) {
  const records::SignedCover cover = opened();
  const Sealed sealed = seal(cover, Bytes(300, 'Z'));
  // The last chunk may lose bytes and stay well-framed as long as its tag's length is left; only
  // the recipient's key can tell that.
  const std::size_t framing_needs = sealed.bytes.size() - 300;
  for (std::size_t size = 1; size < framing_needs; size += 7) {
    EXPECT_EQ(refusal(ByteView(sealed.bytes).first(size), sealed.id, cover),
              ErrorCode::kNotWhatItClaims)
        << size;
  }
}

TEST_F(Deposit, RefusesAStanzaMoreOrLess) {
  const records::SignedCover cover = opened();
  const crypto::FileKey key = crypto::random_file_key();
  std::vector<crypto::X25519Recipient> more = cover.cover.keys();
  more.push_back(crypto::X25519Identity::generate().recipient());
  std::vector<crypto::X25519Recipient> fewer = cover.cover.keys();
  fewer.pop_back();
  for (const auto& keys : {more, fewer}) {
    Bytes bytes = crypto::seal_header(key, cover.hash, keys);
    bytes.resize(bytes.size() + 16 + 16);
    EXPECT_EQ(refusal(bytes, Uuid::v7(), cover), ErrorCode::kCoverMismatch);
  }
}

TEST_F(Deposit, AManifestMustNameExactlyTheFiles) {
  const records::SignedCover cover = opened();
  const Sealed sealed = seal(cover, dicom(300));
  ViewSource body(sealed.bytes);
  const storage::FileRecord file = deposit_sealed(body, sealed.id, cover, sender_, shelf_->blobs());
  const records::ManifestEntry entry{file.id, file.payload_length, file.payload_sha256};
  const auto close_with = [&](const records::Manifest& manifest, const crypto::SigningKey& key) {
    try {
      close_delivery(*shelf_, sender_, cover.cover.delivery, records::sign_manifest(manifest, key));
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  records::Manifest manifest{cover.cover.delivery, cover.hash, records::now(), {entry}, {}};

  records::Manifest other_digest = manifest;
  other_digest.files[0].sha256[0] ^= 1;
  EXPECT_EQ(close_with(other_digest, radiology_.key), ErrorCode::kIntegrity);
  records::Manifest one_more = manifest;
  one_more.files.push_back({Uuid::v7(), 32, {}});
  EXPECT_EQ(close_with(one_more, radiology_.key), ErrorCode::kConflict);
  records::Manifest other_cover = manifest;
  other_cover.cover[0] ^= 1;
  EXPECT_EQ(close_with(other_cover, radiology_.key), ErrorCode::kCoverMismatch);
  EXPECT_EQ(close_with(manifest, surgeon_.key), ErrorCode::kBadSignature);
  EXPECT_EQ(close_with(manifest, gateway_key_), ErrorCode::kBadSignature);
}

TEST_F(Deposit, ACoverForADeviceOutsideTheDirectoryOpensNothing) {
  records::Cover cover = draft_cover(radiology_.handle, records::SealedBy::kDevice,
                                     resolved({surgeon_.handle.text()}), std::nullopt);
  cover.recipients.push_back(
      {surgeon_.handle, crypto::X25519Identity::generate().recipient(), std::nullopt});
  const records::SignedCover signed_cover = records::sign_cover(cover, radiology_.key);
  try {
    open(cover.delivery, signed_cover.envelope);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnknownRecipient);
  }
}

TEST_F(Deposit, ACoverSignedBySomebodyElseThanItsSenderOpensNothing) {
  const records::Cover cover = draft_cover(radiology_.handle, records::SealedBy::kDevice,
                                           resolved({surgeon_.handle.text()}), std::nullopt);
  for (const crypto::SigningKey* key : {&surgeon_.key, &gateway_key_}) {
    try {
      open(cover.delivery, records::sign_cover(cover, *key).envelope);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kBadSignature);
    }
  }
}

TEST_F(Deposit, ARecipientNamedTwiceIsSealedForOnce) {
  EXPECT_EQ(resolved({surgeon_.handle.text(), surgeon_.handle.text(),
                      surgeon_.identity.recipient().text()})
                .size(),
            1U);
}

}  // namespace
}  // namespace letterbox::gateway
