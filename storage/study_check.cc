#include "storage/study_check.h"

#include <set>

#include "storage/row_framing.h"

namespace letterbox::storage {

namespace {

// A sealed index is one chunk, so that it is one row.
constexpr std::size_t kLongestIndexRow = std::size_t{64} * 1024 + 16;

[[noreturn]] void refuse(const char* why) {
  throw Error(ErrorCode::kInternal, why);
}

}  // namespace

void require_sound_pause(std::chrono::seconds closes_after) {
  if (closes_after < std::chrono::seconds::zero() || closes_after > kLongestOpen) {
    refuse("a study closes after 0 to 30 quiet minutes");
  }
}

void require_sound(const IndexPayload& index) {
  if (index.row.size() < kNonceSize || index.row.size() > kLongestIndexRow) {
    refuse("a sealed index is one row of one chunk");
  }
}

void require_sound(const SealedIndex& index) {
  require_sound(index.payload);
  if (index.header.empty()) refuse("a sealed index has a header");
}

void require_sound(const std::vector<StudyCommit>& studies) {
  if (studies.empty()) refuse("a request that stores nothing isn't committed");
  std::set<Uuid> placed;
  for (const StudyCommit& study : studies) {
    if (study.files.empty() || study.files.size() > kMaxInstances) {
      refuse("a study is brought 1 to 4,000 files");
    }
    std::set<Mac> instances;
    for (const PlacedFile& file : study.files) {
      if (file.header.empty() || file.index_header.empty()) refuse("a placed file has two headers");
      if (!placed.insert(file.id).second) refuse("a file is placed once");
      if (!instances.insert(file.instance).second) refuse("an instance is placed once in a study");
    }
    if (const auto* opened = std::get_if<NewStudy>(&study.into)) {
      require_sound(opened->delivery);
      require_sound_pause(opened->closes_after);
    }
  }
}

}  // namespace letterbox::storage
