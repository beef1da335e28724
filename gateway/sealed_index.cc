#include "gateway/sealed_index.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/secret.h"
#include "crypto/hash.h"

namespace letterbox::gateway {

ByteView MeasuredSource::next() {
  const ByteView piece = source_.next();
  size_ += piece.size();
  return piece;
}

records::Index index_of(const dicom::Finding& finding, std::uint64_t size) {
  records::Index index{
      .type = std::string(dicom::to_text(finding.type)), .size = size, .checked = true};
  if (finding.type == dicom::MediaType::kDicom) index.attributes = finding.attributes;
  index.left_out = finding.left_out;
  index.left_out.resize(std::min(index.left_out.size(), records::kMaxLeftOut));
  index.captured = finding.captured;
  index.dropped = finding.dropped;
  index.dropped.resize(std::min(index.dropped.size(), records::kMaxDropped));
  return index;
}

storage::IndexPayload index_payload(const crypto::PayloadNonce& nonce, Ciphertext row) {
  crypto::Sha256 sha256;
  sha256.update(nonce);
  sha256.update(row.view());
  return {nonce, std::move(row), sha256.finish()};
}

std::uint64_t length_of(const storage::IndexPayload& payload) {
  return payload.nonce.size() + payload.row.size();
}

KeyedIndex seal_index(const records::Index& index, const Uuid& id) {
  Bytes json = records::index_bytes(index);
  const SecretBytes plaintext{ByteView(json)};
  wipe(json);
  ViewSource source(plaintext.reveal());
  crypto::FileKey key = crypto::random_file_key();
  const crypto::PayloadNonce nonce = crypto::payload_nonce(key, id);
  crypto::Sealer rows(key, nonce, source);
  std::optional<Ciphertext> row = rows.next();
  if (!row || rows.next()) throw Error(ErrorCode::kInternal, "an index of more than one row");
  return {std::move(key), index_payload(nonce, *std::move(row))};
}

}  // namespace letterbox::gateway
