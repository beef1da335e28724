// What both stores refuse of a change of recipients, because no caller should bring it.
#pragma once

#include "base/error.h"
#include "storage/sharing_store.h"

namespace letterbox::storage {

/// Throws Error kInternal if a header is empty.
inline void require_sound(const FileHeaders& headers) {
  if (headers.header.empty() || (headers.index && headers.index->empty())) {
    throw Error(ErrorCode::kInternal, "a header isn't empty");
  }
}

/// Throws Error kInternal unless it is a version after the first, for somebody.
inline void require_sound(const NewVersion& version) {
  if (version.version < 2 || version.cover.empty() || version.recipients.empty()) {
    throw Error(ErrorCode::kInternal, "a new version has a cover, and recipients");
  }
}

}  // namespace letterbox::storage
