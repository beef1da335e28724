#include "gateway/deposit.h"

#include "base/error.h"
#include "crypto/hash.h"
#include "crypto/header.h"
#include "crypto/stream.h"
#include "gateway/deliveries.h"
#include "gateway/sealed_index.h"
#include "records/manifest.h"

namespace letterbox::gateway {

namespace {

// Stages every row that `rows` (a Sealer or a Screener) yields, and says what they came to.
template <typename Rows>
storage::FileRecord shelve(Rows& rows, storage::BlobWriter& letter, const Uuid& id,
                           const Uuid& delivery, Bytes header, const crypto::PayloadNonce& nonce) {
  crypto::Sha256 digest;
  digest.update(nonce);
  std::uint64_t length = nonce.size();
  while (const std::optional<Ciphertext> row = rows.next()) {
    digest.update(row->view());
    length += row->size();
    letter.append(*row);
  }
  return {id, delivery, std::move(header), nonce, length, digest.finish()};
}

}  // namespace

Receipt deposit(Source& body, dicom::MediaType claimed, const records::SignedCover& cover,
                const crypto::SigningKey& gateway_key, dicom::Inspector& inspector,
                const Caller& sender, storage::BlobStore& shelf, std::uint32_t downloads) {
  const std::unique_ptr<dicom::Intake> intake = inspector.admit(claimed, body);
  MeasuredSource plaintext(*intake);
  const Uuid id = Uuid::v7();
  const crypto::FileKey file_key = crypto::random_file_key();
  const crypto::PayloadNonce nonce = crypto::payload_nonce(file_key, id);
  crypto::Sealer rows(file_key, nonce, plaintext);

  const std::unique_ptr<storage::BlobWriter> letter = shelf.begin(sender.tenant, id);
  const std::vector<crypto::X25519Recipient> keys = cover.cover.keys();
  storage::FileRecord file = shelve(rows, *letter, id, cover.cover.delivery,
                                    crypto::seal_header(file_key, cover.hash, keys), nonce);
  KeyedIndex sealed = seal_index(index_of(intake->finding(), plaintext.size()), id);
  const storage::SealedIndex index{crypto::seal_header(sealed.key, cover.hash, keys),
                                   std::move(sealed.payload)};

  records::Envelope manifest =
      records::sign_manifest({.delivery = cover.cover.delivery,
                              .cover = cover.hash,
                              .closed = records::now(),
                              .files = {{file.id, file.payload_length, file.payload_sha256}},
                              .indexes = {{id, length_of(index.payload), index.payload.sha256}}},
                             gateway_key);
  letter->commit_as_delivery(file, &index, new_delivery(cover, sender, downloads),
                             records::to_json(manifest),
                             sender.did(storage::AuditKind::kDeposit, file.id));
  return {std::move(file), std::move(manifest), intake->finding().dropped};
}

namespace {

// An age file that a device sealed: its header, checked against the cover, and its payload.
class Screened {
 public:
  Screened(Source& body, const records::SignedCover& cover) : whole_(first_of(body), body) {
    Bytes after_header;
    crypto::Header header = crypto::read_header(whole_, after_header);
    crypto::screen_header(header, cover.hash, cover.cover.recipients.size());
    header_ = std::move(header.bytes);
    payload_.emplace(std::move(after_header), whole_);
    rows_.emplace(*payload_);
  }

  Bytes take_header() { return std::move(header_); }
  crypto::Screener& rows() { return *rows_; }

 private:
  static Bytes first_of(Source& body) {
    const ByteView first = body.next();
    if (first.empty())
      throw Error(ErrorCode::kEmptyBody, "an age file was announced and none came");
    return {first.begin(), first.end()};
  }

  PrefixedSource whole_;
  Bytes header_;
  std::optional<PrefixedSource> payload_;
  std::optional<crypto::Screener> rows_;
};

}  // namespace

void refuse_age_file(const Error& error) {
  if (error.code() != ErrorCode::kMalformed) throw error;
  throw Error(ErrorCode::kNotWhatItClaims, error.what(), error.where());
}

storage::FileRecord deposit_sealed(Source& body, const Uuid& id, const records::SignedCover& cover,
                                   const Caller& sender, storage::BlobStore& shelf) try {
  Screened sealed(body, cover);
  const std::unique_ptr<storage::BlobWriter> letter = shelf.begin(sender.tenant, id);
  storage::FileRecord file = shelve(sealed.rows(), *letter, id, cover.cover.delivery,
                                    sealed.take_header(), sealed.rows().nonce());
  letter->commit(file, nullptr, sender.did(storage::AuditKind::kDeposit, file.id));
  return file;
} catch (const Error& error) {
  refuse_age_file(error);
}

storage::FileSummary deposit_sealed_index(Source& body, const Uuid& file,
                                          const records::SignedCover& cover, const Caller& sender,
                                          storage::BlobStore& shelf) try {
  Screened sealed(body, cover);
  std::optional<Ciphertext> row = sealed.rows().next();
  if (!row || row->size() > crypto::kSealedChunkSize || sealed.rows().next()) {
    throw Error(ErrorCode::kTooLarge, "an index of more than one chunk");
  }
  const storage::SealedIndex index{sealed.take_header(),
                                   index_payload(sealed.rows().nonce(), *std::move(row))};
  shelf.put_index(sender.tenant, cover.cover.delivery, file, index,
                  sender.did(storage::AuditKind::kDeposit, file));
  return {file, length_of(index.payload), index.payload.sha256};
} catch (const Error& error) {
  refuse_age_file(error);
}

}  // namespace letterbox::gateway
