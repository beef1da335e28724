#include "gateway/uploads.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "crypto/header.h"
#include "crypto/resumable_hash.h"
#include "crypto/stream.h"
#include "gateway/deliveries.h"
#include "gateway/deposit.h"

namespace letterbox::gateway {

namespace {

bool is_another_body(ErrorCode code) {
  return code == ErrorCode::kUnauthenticated || code == ErrorCode::kChecksumMismatch;
}

// Takes bytes in the order of the age file, and hands them to the shelf in the pieces that this
// wants: the head, then a row at a time. Behind the last of those lie the bytes that aren't a row
// yet.
class Intake {
 public:
  // `cover` is needed until the head is there.
  Intake(storage::UploadWriter& writer, std::optional<records::SignedCover> cover)
      : writer_(writer),
        cover_(std::move(cover)),
        head_size_(header_size() + kNonceSize),
        bytes_(writer.progress().tail) {
    if (writer.progress().head) sha256_.emplace(writer.progress().hash);
  }

  void take(ByteView piece) {
    if (piece.size() > writer_.upload().made.length - received()) {
      throw Error(ErrorCode::kTooLarge, "more bytes than the upload was made for");
    }
    bytes_.insert(bytes_.end(), piece.begin(), piece.end());
    if (!sha256_ && bytes_.size() >= head_size_) take_head();
    // The last row is kept for the end of the body, which says whether it is the right one.
    while (sha256_ && bytes_.size() >= crypto::kRowSize && !is_last_row()) put_row();
  }

  // The body broke off, or ended well before the file does.
  void keep_rest() {
    if (bytes_.size() == writer_.progress().tail.size() && !new_head_) return;
    // Only the end of a body makes a file.
    if (received() == writer_.upload().made.length) bytes_.pop_back();
    step({}, bytes_);
  }

  // The body has ended as it should.
  void end(const storage::AuditEvent& event) {
    if (received() != writer_.upload().made.length) return keep_rest();
    if (!sha256_) throw Error(ErrorCode::kMalformed, "an age file that ends before its payload");
    const Ciphertext row = next_row(true);
    sha256_->update(row.view());
    const Bytes hash = sha256_->state();
    writer_.complete({.head = head(), .rows = {&row, 1}, .tail = {}, .hash = hash},
                     sha256_->digest(), records::now(), event);
  }

 private:
  static constexpr std::size_t kNonceSize = sizeof(crypto::PayloadNonce);

  std::size_t header_size() const {
    const auto& head = writer_.progress().head;
    return head ? head->header.size() : crypto::header_size(cover_->cover.recipients.size());
  }

  std::uint64_t received() const {
    const storage::UploadProgress& progress = writer_.progress();
    const bool has_head = progress.head || new_head_;
    return (has_head ? head_size_ : 0) + progress.rows * std::uint64_t{crypto::kRowSize} +
           bytes_.size();
  }

  // What is in hand ends the file, once all of it is there.
  bool is_last_row() const {
    return writer_.upload().made.length - (received() - bytes_.size()) <= crypto::kRowSize;
  }

  void take_head() {
    const std::size_t size = head_size_ - kNonceSize;
    crypto::Header header = crypto::parse_header(ByteView(bytes_).first(size));
    crypto::screen_header(header, cover_->hash, cover_->cover.recipients.size());
    new_head_.emplace(storage::UploadHead{std::move(header.bytes), {}});
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(size), kNonceSize,
                new_head_->nonce.begin());
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(head_size_));
    sha256_.emplace();
    sha256_->update(new_head_->nonce);
  }

  Ciphertext next_row(bool is_last) {
    const std::size_t size = std::min(bytes_.size(), crypto::kRowSize);
    const auto end = bytes_.begin() + static_cast<std::ptrdiff_t>(size);
    Bytes row(bytes_.begin(), end);
    bytes_.erase(bytes_.begin(), end);
    return crypto::Screener::row(std::move(row), writer_.progress().rows == 0, is_last);
  }

  void put_row() {
    const Ciphertext row = next_row(false);
    sha256_->update(row.view());
    step({&row, 1}, {});
  }

  void step(std::span<const Ciphertext> rows, ByteView tail) {
    const Bytes hash = sha256_ ? sha256_->state() : Bytes();
    writer_.advance({.head = head(), .rows = rows, .tail = tail, .hash = hash}, records::now());
    new_head_.reset();
  }

  const storage::UploadHead* head() const { return new_head_ ? &*new_head_ : nullptr; }

  storage::UploadWriter& writer_;
  const std::optional<records::SignedCover> cover_;
  const std::size_t head_size_;
  Bytes bytes_;
  std::optional<storage::UploadHead> new_head_;  // came whole, and isn't durable yet
  std::optional<crypto::ResumableSha256> sha256_;
};

void take_all(Intake& intake, Source& body) {
  while (true) {
    const ByteView piece = body.next();
    if (piece.empty()) return;
    intake.take(piece);
  }
}

}  // namespace

storage::Upload begin_upload(storage::Store& shelf, const crypto::VerifyKey& gateway_key,
                             const Caller& sender, const Uuid& delivery, const Uuid& file,
                             std::uint64_t length, std::uint64_t most) {
  const records::SignedCover cover = open_cover(shelf, gateway_key, sender.tenant, delivery);
  const std::uint64_t least =
      crypto::header_size(cover.cover.recipients.size()) + crypto::sealed_size(0);
  if (length < least) throw Error(ErrorCode::kNotWhatItClaims, "shorter than an empty age file");
  storage::AuditEvent event = sender.did(storage::AuditKind::kUpload, file);
  try {
    return shelf.uploads().create(
        sender.tenant,
        {.id = Uuid::v7(),
         .delivery = delivery,
         .file = file,
         .length = length,
         .device = sender.device.value().record.signing_key.fingerprint()},
        most, records::now(), event);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kQuotaExceeded) throw;
    event.outcome = storage::AuditOutcome::kFailure;
    shelf.audit().append(sender.tenant, event);
    throw;
  }
}

storage::Upload continue_upload(storage::Store& shelf, const crypto::VerifyKey& gateway_key,
                                const Caller& sender, const Uuid& id, std::uint64_t offset,
                                Source& body) try {
  const std::unique_ptr<storage::UploadWriter> writer =
      shelf.uploads().resume(sender.tenant, id, records::now());
  if (!writer) throw Error(ErrorCode::kLocked, "another request is writing the upload");
  const storage::NewUpload& made = writer->upload().made;
  if (writer->upload().offset != offset) {
    throw Error(ErrorCode::kOffsetMismatch, "the upload stands at another offset");
  }
  if (writer->upload().complete()) {
    if (!body.next().empty()) throw Error(ErrorCode::kTooLarge, "the upload is complete");
    return writer->upload();
  }
  std::optional<records::SignedCover> cover;
  if (!writer->progress().head) {
    cover = open_cover(shelf, gateway_key, sender.tenant, made.delivery);
  }
  Intake intake(*writer, std::move(cover));
  try {
    take_all(intake, body);
  } catch (const Error& error) {
    if (is_another_body(error.code())) writer->rewind(records::now());
    if (error.code() == ErrorCode::kTruncatedBody) intake.keep_rest();
    throw;
  }
  intake.end(sender.did(storage::AuditKind::kDeposit, made.file));
  return writer->upload();
} catch (const Error& error) {
  refuse_age_file(error);
}

}  // namespace letterbox::gateway
