// One row of a payload in work, and the threads that share its chunks. Internal to crypto/.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "crypto/stream.h"

namespace letterbox::crypto {

/// What opening a chunk found.
enum class Finding : std::uint8_t {
  kForged,     ///< authentic in no way
  kAuthentic,  ///< authentic where it stands
  kCutOff,     ///< authentic as one in the middle, and nothing follows
  kRunOver,    ///< authentic as the last one, and something follows
};

/// Up to sixteen chunks side by side, each with room for its tag. They are sealed or opened where
/// they lie.
struct Row {
  Bytes bytes;
  std::uint64_t first_chunk = 0;  ///< the index of chunk 0 in the payload
  std::size_t chunks = 0;         ///< how many there are
  bool is_last = false;           ///< the last of them is the payload's last
  std::array<Finding, kChunksPerRow> findings{};
  ByteView elsewhere;  ///< where the only chunk lies sealed, if that isn't in `bytes`

  std::span<Byte> chunk(std::size_t index) {
    const auto rest = std::span(bytes).subspan(index * kSealedChunkSize);
    return rest.first(std::min(kSealedChunkSize, rest.size()));
  }
  bool is_final(std::size_t index) const { return is_last && index + 1 == chunks; }

 private:
  friend class RowCrew;
  std::size_t claimed_ = 0;
  std::size_t done_ = 0;
  std::exception_ptr failure_;
};

/// Threads that work on rows, chunk by chunk, in the order the rows were posted. Whoever waits for
/// a row works too; a crew of one is the caller alone, and has no thread. The calls are for one
/// thread at a time; a posted row belongs to the crew until it is finished.
class RowCrew {
 public:
  /// What to do to one chunk. `member` < size says who does it, so that each can have a cipher of
  /// its own.
  using Work = std::function<void(unsigned member, Row& row, std::size_t chunk)>;

  RowCrew(unsigned size, Work work);
  /// Waits for the chunks in work and drops the rest.
  ~RowCrew();
  RowCrew(const RowCrew&) = delete;
  RowCrew& operator=(const RowCrew&) = delete;

  void post(Row& row);
  /// Returns when all chunks of `row` are done. Throws what the work on it threw.
  void finish(Row& row);

 private:
  void start_threads();
  void serve(unsigned member);
  bool work_on_a_chunk(std::unique_lock<std::mutex>& lock, unsigned member);

  const unsigned size_;
  const Work work_;
  std::mutex mutex_;
  std::condition_variable posted_;
  std::condition_variable done_;
  std::deque<Row*> rows_;  ///< those with chunks that nobody has claimed
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace letterbox::crypto
