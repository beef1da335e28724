// Sharing on, as far as it is computed here: every header anew, after the old one was verified.
#include "client/rewrapped_headers.h"

#include <algorithm>

#include "client/index_stream.h"
#include "crypto/stream.h"
#include "tests/client/sharing.h"

namespace letterbox::client {
namespace {

class Rewrapping : public Sharing {
 protected:
  // As the gateway gives them out, with the nonces of what it stores.
  Bytes headers(const Bytes& header, const Bytes& index_header, const Uuid& id) const {
    return records::beginnings_frame(
        {id, {header, nonce_of(file)}, records::Beginning{index_header, nonce_of(sealed_index)}});
  }
  static crypto::PayloadNonce nonce_of(const SealedFile& sealed) {
    const Bytes payload = payload_of(sealed.age_file);
    crypto::PayloadNonce nonce;
    std::copy_n(payload.begin(), nonce.size(), nonce.begin());
    return nonce;
  }
  Bytes headers_now() const {
    return headers(header_of(file.age_file).bytes, header_of(sealed_index.age_file).bytes,
                   file.entry.id);
  }
  Bytes rewrap(ByteView now, const records::SignedCover& next_cover, const Device& by) const {
    const VerifiedDelivery delivery = verify_delivery(unverified({one}), trusted);
    ViewSource source(now, 50);
    RewrappedHeaders rewrapped(source, delivery, delivery.cover(), std::span(&by.identity, 1),
                               next_cover);
    return drain(rewrapped);
  }
  static Bytes joined(const Bytes& header, const Bytes& payload) {
    Bytes both = header;
    both.insert(both.end(), payload.begin(), payload.end());
    return both;
  }
  Bytes open(const VerifiedCover& cover, const Device& reader, ByteView age_file) const {
    ViewSource source(age_file, 1000);
    OpenedFile opened(source, std::span(&reader.identity, 1), cover, &manifest.files,
                      &file.entry.id);
    return drain(opened);
  }
};

TEST_F(Rewrapping, TheNewcomerOpensFileAndIndexAndThePayloadIsAsItWas) {
  const auto two = next(one, {&ada, &bob, &carol}, bob);
  const Bytes change = rewrap(headers_now(), two, bob);
  ViewSource source(change);
  records::HeadersReader reader(source);
  EXPECT_EQ(reader.cover().payload, two.envelope.payload);
  const auto fresh = reader.next(two.hash, 3);
  ASSERT_TRUE(fresh);
  EXPECT_EQ(fresh->file, file.entry.id);
  EXPECT_FALSE(reader.next(two.hash, 3));

  // The ones that anybody would compute who holds the file keys.
  EXPECT_EQ(fresh->header, header_under(two, file.age_file));
  EXPECT_EQ(fresh->index_header, header_under(two, sealed_index.age_file));
  const VerifiedDelivery delivery = verify_delivery(unverified({one, two}), trusted);
  const Bytes shared = joined(fresh->header, payload_of(file.age_file));
  for (const Device* reader_device : {&ada, &bob, &carol})
    EXPECT_EQ(open(delivery.cover(), *reader_device, shared), plaintext);
  EXPECT_EQ(open(*delivery.chain.former(), bob, file.age_file), plaintext);
}

TEST_F(Rewrapping, WhoIsDroppedHasNoStanza) {
  const auto two = next(one, {&ada}, ada);
  const Bytes change = rewrap(headers_now(), two, ada);
  ViewSource source(change);
  records::HeadersReader reader(source);
  reader.cover();
  const auto fresh = reader.next(two.hash, 1);
  ASSERT_TRUE(fresh);
  const auto header = crypto::parse_header(fresh->header);
  EXPECT_EQ(thrown_by([&] { crypto::unwrap(header, std::span(&bob.identity, 1)); }),
            ErrorCode::kNoKeyFits);
}

TEST_F(Rewrapping, GarbageIsntPassedOn) {
  const auto two = next(one, {&ada, &bob, &carol}, bob);
  const Bytes good = header_of(file.age_file).bytes;
  const Bytes good_index = header_of(sealed_index.age_file).bytes;
  const auto refused_by = [&](const char* check, const Bytes& header, const Bytes& index_header,
                              const Uuid& id) {
    return refusal(check, [&] { rewrap(headers(header, index_header, id), two, bob); });
  };
  // All of these look right to a gateway. The first does so to everybody who has no payload: with
  // care it was made, for another file key.
  const Bytes careful = crypto::seal_header(crypto::random_file_key(), one.hash, one.cover.keys());
  EXPECT_EQ(refused_by(checks::kPayloadNonce, careful, good_index, file.entry.id),
            ErrorCode::kIntegrity);
  EXPECT_EQ(refused_by(checks::kPayloadNonce, good, careful, file.entry.id), ErrorCode::kIntegrity);
  EXPECT_EQ(refused_by(checks::kPayloadNonce, good_index, good_index, file.entry.id),
            ErrorCode::kIntegrity);
  auto stanzas = crypto::parse_header(careful).stanzas;
  std::swap(stanzas[1], stanzas[2]);
  const Bytes careless = crypto::format_header(crypto::random_file_key(), stanzas);
  EXPECT_EQ(refused_by(checks::kFileKey, careless, good_index, file.entry.id),
            ErrorCode::kIntegrity);
  EXPECT_EQ(refused_by(checks::kFileKey, good, careless, file.entry.id), ErrorCode::kIntegrity);
  const Bytes others = crypto::seal_header(crypto::random_file_key(), two.hash, one.cover.keys());
  EXPECT_EQ(refused_by(checks::kHeaderFormat, others, good_index, file.entry.id),
            ErrorCode::kCoverMismatch);
  EXPECT_EQ(refused_by(checks::kManifestFile, good, good_index, Uuid::v7()), ErrorCode::kIntegrity);
}

// --- Falling back

TEST_F(Rewrapping, AnIndexIsReadByTheHeaderOfTheVersionBefore) {
  const auto two = next(one, {&ada, &bob, &carol}, bob);
  const VerifiedDelivery delivery = verify_delivery(unverified({one, two}), trusted);
  // What the maker of version 2 put in the place of the index's header.
  const Bytes garbage = crypto::seal_header(crypto::random_file_key(), two.hash, two.cover.keys());
  Bytes age_file = joined(garbage, payload_of(sealed_index.age_file));
  Bytes stream(file.entry.id.bytes().begin(), file.entry.id.bytes().end());
  records::append_number(stream, static_cast<std::uint32_t>(age_file.size()));
  stream.insert(stream.end(), age_file.begin(), age_file.end());

  const auto read = [&](const VerifiedCover& cover, records::HeadersReader* former) {
    ViewSource source(stream, 100);
    IndexStream indexes(source, std::span(&ada.identity, 1), delivery, cover, former);
    return indexes.next();
  };
  try {
    read(delivery.cover(), nullptr);
    ADD_FAILURE() << "garbage was opened";
  } catch (const Refused& refused) {
    EXPECT_STREQ(refused.check(), checks::kPayloadNonce) << refused.what();
    EXPECT_TRUE(is_about_header(refused));
  }
  const Bytes before = headers_now();
  ViewSource former_source(before);
  records::HeadersReader former(former_source);
  const auto found = read(*delivery.chain.former(), &former);
  ASSERT_TRUE(found && found->index);
  EXPECT_EQ(found->index->name, index.name);
}

}  // namespace
}  // namespace letterbox::client
