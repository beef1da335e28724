#include "storage/upload_step.h"

#include "base/error.h"
#include "storage/row_framing.h"

namespace letterbox::storage {

namespace {

void require(bool holds, const char* what) {
  if (!holds) throw Error(ErrorCode::kInternal, what);
}

}  // namespace

void require_sound(const NewUpload& upload) {
  require(upload.length > 0 && !upload.device.empty(), "an upload has a length and a device");
}

void require_within(std::uint64_t unfinished, const NewUpload& upload, std::uint64_t most) {
  if (upload.length <= most && unfinished <= most - upload.length) return;
  throw Error(ErrorCode::kQuotaExceeded,
              "more than one sender may have in uploads that aren't complete");
}

void require_incomplete(const Upload& upload) {
  require(!upload.complete(), "a complete upload takes no step");
}

std::uint64_t offset_after(const Upload& upload, const UploadProgress& progress,
                           const UploadStep& step, bool is_last) {
  require_incomplete(upload);
  require(!(progress.head && step.head != nullptr), "an upload has one head");
  const UploadHead* const head = progress.head ? &*progress.head : step.head;
  require(head != nullptr || step.rows.empty(), "rows come behind the head");
  require(head == nullptr || !head->header.empty(), "a head has a header");
  std::uint64_t bytes = head != nullptr ? head->header.size() + kNonceSize : 0;

  RowFraming framing;  // refuses a row that follows one that isn't full
  for (const Ciphertext& row : step.rows) framing.add(row);
  bytes += std::uint64_t{kFullRow} * progress.rows + framing.bytes();
  require(is_last || framing.bytes() == kFullRow * framing.rows(), "this row can only be the last");

  require(step.tail.size() < kFullRow, "a tail is less than a row");
  bytes += step.tail.size();
  require(bytes >= upload.offset, "a step takes nothing back");
  require(is_last == (bytes == upload.made.length) && bytes <= upload.made.length,
          "an upload is complete when its length is there, and not before");
  require(!is_last || (step.tail.empty() && !step.rows.empty()), "a payload ends with a row");
  return bytes;
}

std::uint64_t offset_of(const UploadProgress& progress) {
  const std::uint64_t head = progress.head ? progress.head->header.size() + kNonceSize : 0;
  return head + std::uint64_t{kFullRow} * progress.rows + progress.tail.size();
}

UploadProgress progress_after(UploadProgress progress, const UploadStep& step) {
  if (step.head != nullptr) progress.head = *step.head;
  progress.rows += step.rows.size();
  progress.tail.assign(step.tail.begin(), step.tail.end());
  progress.hash.assign(step.hash.begin(), step.hash.end());
  return progress;
}

}  // namespace letterbox::storage
