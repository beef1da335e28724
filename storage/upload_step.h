// Whether a step may come next in an upload, and what it comes to: the same on both stores.
#pragma once

#include <cstdint>

#include "storage/upload_store.h"

namespace letterbox::storage {

/// Throws Error kInternal unless it has a length and a device.
void require_sound(const NewUpload& upload);

/// Throws Error kQuotaExceeded unless `upload` fits beside `unfinished` bytes into `most`.
void require_within(std::uint64_t unfinished, const NewUpload& upload, std::uint64_t most);

/// Throws Error kInternal if it is complete.
void require_incomplete(const Upload& upload);

/// The offset after `step`, the last one of its upload or not. Throws Error kInternal if it may not
/// come next.
std::uint64_t offset_after(const Upload& upload, const UploadProgress& progress,
                           const UploadStep& step, bool is_last);

/// The offset of an upload that isn't complete.
std::uint64_t offset_of(const UploadProgress& progress);

/// What is kept after `step`.
UploadProgress progress_after(UploadProgress progress, const UploadStep& step);

}  // namespace letterbox::storage
