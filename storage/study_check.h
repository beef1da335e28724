// What a request's commit must be like, whatever keeps it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/error.h"
#include "storage/study_store.h"

namespace letterbox::storage {

/// Throws Error kInternal unless each study brings something, not too much, nothing twice, with its
/// headers, and each delivery to open is sound.
void require_sound(const std::vector<StudyCommit>& studies);
/// Throws Error kInternal unless an index is one row of one chunk.
void require_sound(const IndexPayload& index);
/// As above, and its header is there.
void require_sound(const SealedIndex& index);
/// Throws Error kInternal unless it is 0 to kLongestOpen.
void require_sound_pause(std::chrono::seconds closes_after);

/// The study moved on since the caller looked at it.
struct Moved : Error {
  Moved() : Error(ErrorCode::kConflict, "the study's delivery is another one by now") {}
};

/// Nonce and one row: what a summary of an index says.
inline std::uint64_t length_of(const IndexPayload& index) {
  return index.nonce.size() + index.row.size();
}

}  // namespace letterbox::storage
