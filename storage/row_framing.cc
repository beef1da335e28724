#include "storage/row_framing.h"

#include <string>

#include "base/error.h"

namespace letterbox::storage {

void RowFraming::add(const Ciphertext& row) {
  if (ended_) throw Error(ErrorCode::kInternal, "a row follows one that was not full");
  if (row.size() < kNonceSize || row.size() > kFullRow) {
    throw Error(ErrorCode::kInternal,
                "a row of " + std::to_string(row.size()) + " bytes is no row of sealed chunks");
  }
  ended_ = row.size() < kFullRow;
  ++rows_;
  bytes_ += row.size();
}

void RowFraming::require(const FileRecord& file, const Uuid& id) const {
  if (file.id != id) {
    throw Error(ErrorCode::kInternal,
                "the file to commit isn't the one that was begun: " + id.text());
  }
  if (rows_ == 0 || file.payload_length != kNonceSize + bytes_) {
    throw Error(ErrorCode::kInternal,
                "payload of " + std::to_string(file.payload_length) + " bytes announced, " +
                    std::to_string(kNonceSize + bytes_) + " appended: " + id.text());
  }
  if (file.header.empty()) {
    throw Error(ErrorCode::kInternal, "the file to commit has no header: " + id.text());
  }
}

void require_sound(const NewDelivery& delivery) {
  if (delivery.expires <= delivery.created || delivery.recipients.empty()) {
    throw Error(
        ErrorCode::kInternal,
        "a delivery needs a recipient and must expire after it was created: " + delivery.id.text());
  }
}

}  // namespace letterbox::storage
