#include "gateway/deposit.h"

#include "base/error.h"
#include "crypto/hash.h"
#include "crypto/header.h"
#include "crypto/stream.h"
#include "gateway/deliveries.h"
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
                const Caller& sender, storage::BlobStore& shelf) {
  const std::unique_ptr<dicom::Intake> plaintext = inspector.admit(claimed, body);
  const Uuid id = Uuid::v7();
  const crypto::FileKey file_key = crypto::random_file_key();
  const crypto::PayloadNonce nonce = crypto::payload_nonce(file_key, id);
  crypto::Sealer rows(file_key, nonce, *plaintext);

  const std::unique_ptr<storage::BlobWriter> letter = shelf.begin(sender.tenant, id);
  storage::FileRecord file =
      shelve(rows, *letter, id, cover.cover.delivery,
             crypto::seal_header(file_key, cover.hash, cover.cover.keys()), nonce);

  records::Envelope manifest =
      records::sign_manifest({.delivery = cover.cover.delivery,
                              .cover = cover.hash,
                              .closed = records::now(),
                              .files = {{file.id, file.payload_length, file.payload_sha256}},
                              .indexes = {}},
                             gateway_key);
  letter->commit_as_delivery(file, nullptr, new_delivery(cover, sender), records::to_json(manifest),
                             sender.did(storage::AuditKind::kDeposit, file.id));
  return {std::move(file), std::move(manifest)};
}

storage::FileRecord deposit_sealed(Source& body, const Uuid& id, const records::SignedCover& cover,
                                   const Caller& sender, storage::BlobStore& shelf) try {
  const ByteView first = body.next();
  if (first.empty()) throw Error(ErrorCode::kEmptyBody, "an age file was announced and none came");
  PrefixedSource whole({first.begin(), first.end()}, body);

  Bytes after_header;
  crypto::Header header = crypto::read_header(whole, after_header);
  crypto::screen_header(header, cover.hash, cover.cover.recipients.size());
  PrefixedSource payload(std::move(after_header), whole);
  crypto::Screener rows(payload);

  const std::unique_ptr<storage::BlobWriter> letter = shelf.begin(sender.tenant, id);
  storage::FileRecord file =
      shelve(rows, *letter, id, cover.cover.delivery, std::move(header.bytes), rows.nonce());
  letter->commit(file, nullptr, sender.did(storage::AuditKind::kDeposit, file.id));
  return file;
} catch (const Error& error) {
  // What isn't an age file of this delivery is the sender's unprocessable content, and not a
  // request that can't be read.
  if (error.code() != ErrorCode::kMalformed) throw;
  throw Error(ErrorCode::kNotWhatItClaims, error.what(), error.where());
}

}  // namespace letterbox::gateway
