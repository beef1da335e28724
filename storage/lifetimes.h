// How long things are kept that nobody takes away: the whole of it, in one place.
#pragma once

#include <chrono>

namespace letterbox::storage {

/// A device that goes on with a download within so long of its first byte isn't counted again.
inline constexpr std::chrono::hours kDownloadContinues{24};
/// An upload is forgotten so long after its last byte.
inline constexpr std::chrono::hours kUploadKept{24};
/// A device-sealed delivery that got nothing for so long, and isn't closed, expires.
inline constexpr std::chrono::days kNeverClosed{7};
/// Headers of a former version, if nobody confirms a later one.
inline constexpr std::chrono::days kFormerVersionKept{7};
/// Rows that a gateway staged and didn't sweep itself, because it never came back.
inline constexpr std::chrono::days kStagedRowsKept{2};
/// Headers that were staged for a change of recipients that never came.
inline constexpr std::chrono::days kStagedHeadersKept{1};
/// Notices. Whom one didn't reach by then isn't told any more.
inline constexpr std::chrono::days kNoticesKept{7};
/// Covers, manifest and receipts of a delivery that has ended.
inline constexpr std::chrono::days kEndedKept{90};

}  // namespace letterbox::storage
