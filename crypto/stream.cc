#include "crypto/stream.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "crypto/aead.h"
#include "crypto/chunk.h"
#include "crypto/feed.h"
#include "crypto/kdf.h"
#include "crypto/row.h"

namespace letterbox::crypto {

namespace {

// A ring of rows between the one thread that reads and hands out, and the crew. With more than one
// thread there is a row in work while the one before it is being written out.
class RowLine {
 public:
  RowLine(unsigned threads, RowCrew::Work work)
      : rows_(threads > 1 ? 2 : 1), crew_(threads, std::move(work)) {}

  // Fills and posts rows until the ring is full or `fill` has made the last row. Then the oldest
  // one, finished; null behind the last. The row before it is given up to be filled again.
  template <typename Fill>
  Row* next(Fill fill) {
    if (handed_out_) {
      ++first_;
      handed_out_ = false;
    }
    while (!ended_ && end_ - first_ < rows_.size()) {
      WipingRow& row = rows_[end_ % rows_.size()];
      row.once_used = std::max(row.once_used, row.bytes.size());
      fill(row);
      ended_ = row.is_last;
      crew_.post(row);
      ++end_;
    }
    if (first_ == end_) return nullptr;
    Row& row = rows_[first_ % rows_.size()];
    crew_.finish(row);
    handed_out_ = true;
    return &row;
  }

 private:
  struct WipingRow : Row {
    WipingRow() = default;
    WipingRow(const WipingRow&) = delete;
    WipingRow& operator=(const WipingRow&) = delete;
    // Rows hold plaintext before they are sealed and after they are opened; behind a short last row
    // lies what a longer one left.
    ~WipingRow() {
      bytes.resize(std::max(bytes.size(), once_used));
      wipe(bytes);
    }
    std::size_t once_used = 0;
  };

  std::vector<WipingRow> rows_;
  std::size_t first_ = 0;
  std::size_t end_ = 0;
  bool handed_out_ = false;
  bool ended_ = false;
  RowCrew crew_;  // last: its threads are gone before the rows are
};

// A reader that threw is spent: to go on could make an end where there is none.
class Latch {
 public:
  template <typename Step>
  auto guard(Step step) {
    if (spent_) throw Error(ErrorCode::kInternal, "a stream was read on after it had failed");
    spent_ = true;
    auto result = step();
    spent_ = false;
    return result;
  }

 private:
  bool spent_ = false;
};

template <typename Cipher>
std::vector<Cipher> ciphers(unsigned count, const Secret<32>& key) {
  std::vector<Cipher> all;
  for (unsigned i = 0; i < std::max(count, 1U); ++i) all.emplace_back(key);
  return all;
}

PayloadNonce read_nonce(Feed& feed, ErrorCode code) {
  Bytes bytes;
  PayloadNonce nonce;
  feed.append_to(bytes, nonce.size());
  if (bytes.size() != nonce.size())
    throw Error(code, "age payload: it ends within its 16-byte nonce");
  std::copy(bytes.begin(), bytes.end(), nonce.begin());
  return nonce;
}

}  // namespace

PayloadNonce payload_nonce(const FileKey& file_key, const Uuid& file_id) {
  const Secret<32> derived = hkdf_sha256(file_key.reveal(), file_id.bytes(), "letterbox/v1/nonce");
  PayloadNonce nonce;
  std::copy_n(derived.reveal().begin(), nonce.size(), nonce.begin());
  return nonce;
}

std::uint64_t sealed_size(std::uint64_t plaintext) noexcept {
  const std::uint64_t chunks =
      std::max<std::uint64_t>(1, (plaintext + kChunkSize - 1) / kChunkSize);
  return sizeof(PayloadNonce) + plaintext + chunks * kTagSize;
}

// --- Sealer -------------------------------------------------------------------------------------

struct Sealer::State {
  State(const FileKey& file_key, const PayloadNonce& nonce, Source& plaintext, unsigned threads)
      : feed(plaintext),
        sealers(ciphers<AeadSealer>(threads, payload_key(file_key, nonce))),
        line(threads, [this](unsigned member, Row& row, std::size_t chunk) {
          sealers[member].seal(chunk_nonce(row.first_chunk + chunk, row.is_final(chunk)),
                               row.chunk(chunk));
        }) {}

  // Plaintext goes straight to where it will be sealed, so that it never lies anywhere else. A
  // chunk is the last one if nothing follows, and only then; so a plaintext of whole chunks ends in
  // a full one.
  void fill(Row& row) {
    row.bytes = Bytes();
    row.bytes.reserve(kRowSize);  // growing would leave plaintext behind, unwiped
    row.first_chunk = chunks;
    row.chunks = 0;
    do {
      feed.append_to(row.bytes, kChunkSize);
      row.bytes.resize(row.bytes.size() + kTagSize);
      ++row.chunks;
      row.is_last = feed.at_end();
    } while (!row.is_last && row.chunks < kChunksPerRow);
    chunks += row.chunks;
  }

  Feed feed;
  std::vector<AeadSealer> sealers;
  std::uint64_t chunks = 0;
  Latch latch;
  RowLine line;
};

Sealer::Sealer(const FileKey& file_key, const PayloadNonce& nonce, Source& plaintext,
               unsigned threads)
    : state_(std::make_unique<State>(file_key, nonce, plaintext, threads)) {}
Sealer::~Sealer() = default;

std::optional<Ciphertext> Sealer::next() {
  return state_->latch.guard([this]() -> std::optional<Ciphertext> {
    Row* row = state_->line.next([this](Row& empty) { state_->fill(empty); });
    if (row == nullptr) return std::nullopt;
    // Whoever keeps many small rows keeps no more than they need; to copy half a row costs more
    // than the other half is worth.
    if (row->bytes.size() < kRowSize / 4) row->bytes.shrink_to_fit();
    return Ciphertext(std::move(row->bytes));
  });
}

// --- Opener -------------------------------------------------------------------------------------

struct Opener::State {
  State(const FileKey& file_key, Source& payload, const PayloadNonce* expected_nonce,
        unsigned threads)
      : chunks_per_row(threads > 1 ? kChunksPerRow : 1),
        feed(payload),
        openers(ciphers<AeadOpener>(threads, payload_key(file_key, read_nonce(expected_nonce)))),
        line(threads, [this](unsigned member, Row& row, std::size_t chunk) {
          row.findings[chunk] = open(openers[member], row, chunk);
        }) {}

  // Where the payload ends is where the source ends; a chunk that says otherwise tells on what was
  // done to the file. Only a full chunk can: a short one has no place but the last.
  static Finding open(AeadOpener& opener, Row& row, std::size_t index) {
    const std::span<Byte> chunk = row.chunk(index);
    const std::uint64_t number = row.first_chunk + index;
    const bool is_final = row.is_final(index);
    const ByteView sealed = row.elsewhere.empty() ? chunk : row.elsewhere;
    if (opener.open(chunk_nonce(number, is_final), sealed, chunk)) return Finding::kAuthentic;
    if (chunk.size() == kSealedChunkSize &&
        opener.open(chunk_nonce(number, !is_final), sealed, chunk))
      return is_final ? Finding::kCutOff : Finding::kRunOver;
    return Finding::kForged;
  }

  PayloadNonce read_nonce(const PayloadNonce* expected) {
    const PayloadNonce nonce = crypto::read_nonce(feed, ErrorCode::kIntegrity);
    if (expected != nullptr && nonce != *expected)
      throw Error(ErrorCode::kIntegrity, "age payload: its nonce isn't that of this file");
    return nonce;
  }

  void fill(Row& row) {
    row.first_chunk = chunks;
    row.chunks = 0;
    row.elsewhere = {};
    if (chunks_per_row > 1 || !fill_without_copying(row)) {
      row.bytes.reserve(chunks_per_row * kSealedChunkSize);
      row.bytes.clear();
      do {
        feed.append_to(row.bytes, kSealedChunkSize);
        ++row.chunks;
        row.is_last = feed.at_end();
      } while (!row.is_last && row.chunks < chunks_per_row);
    }
    chunks += row.chunks;
  }

  // A chunk that lies whole in the source's piece, with more behind it, is opened out of there: one
  // thread is done with it before it pulls the next piece.
  bool fill_without_copying(Row& row) {
    row.elsewhere = feed.take_in_place(kSealedChunkSize);
    if (row.elsewhere.empty()) return false;
    row.bytes.resize(kSealedChunkSize);
    row.chunks = 1;
    row.is_last = false;
    return true;
  }

  // The plaintext of the next chunk; empty at the proven end.
  ByteView next() {
    if (finding == Finding::kCutOff) fail("it is cut off behind chunk", given - 1);
    if (finding == Finding::kRunOver) fail("something follows its last chunk,", given - 1);
    if (current == nullptr || at == current->chunks) {
      current = line.next([this](Row& empty) { fill(empty); });
      at = 0;
      if (current == nullptr) return {};
    }
    finding = current->findings[at];
    if (finding == Finding::kForged) fail("altered, moved or cut: chunk", given);
    const std::span<Byte> chunk = current->chunk(at);
    // Two payloads would mean the same plaintext if a last chunk could be empty behind others.
    if (chunk.size() == kTagSize && given > 0) fail("nothing is in its last chunk,", given);
    ++at;
    ++given;
    return chunk.first(chunk.size() - kTagSize);
  }

  [[noreturn]] static void fail(const char* what, std::uint64_t chunk) {
    throw Error(ErrorCode::kIntegrity,
                std::string("age payload: ") + what + " number " + std::to_string(chunk));
  }

  // One thread has nothing to share, and a single chunk stays in its CPU's cache.
  const std::size_t chunks_per_row;
  Feed feed;
  std::vector<AeadOpener> openers;
  std::uint64_t chunks = 0;
  Row* current = nullptr;  // the row being handed out, chunk by chunk
  std::size_t at = 0;
  std::uint64_t given = 0;
  Finding finding = Finding::kAuthentic;  // about the chunk given last
  Latch latch;
  RowLine line;
};

Opener::Opener(const FileKey& file_key, Source& payload, const PayloadNonce* expected_nonce,
               unsigned threads)
    : state_(std::make_unique<State>(file_key, payload, expected_nonce, threads)) {}
Opener::~Opener() = default;

ByteView Opener::next() {
  return state_->latch.guard([this] { return state_->next(); });
}

// --- Screener -----------------------------------------------------------------------------------

struct Screener::State {
  explicit State(Source& payload) : feed(payload) {}

  Feed feed;
  PayloadNonce nonce;
  bool ended = false;
  bool any_row = false;
  Latch latch;
};

Screener::Screener(Source& payload) : state_(std::make_unique<State>(payload)) {
  state_->nonce = read_nonce(state_->feed, ErrorCode::kMalformed);
}
Screener::~Screener() = default;

const PayloadNonce& Screener::nonce() const noexcept {
  return state_->nonce;
}

std::optional<Ciphertext> Screener::next() {
  return state_->latch.guard([this]() -> std::optional<Ciphertext> {
    if (state_->ended) return std::nullopt;
    Bytes row;
    row.reserve(kRowSize);
    state_->feed.append_to(row, kRowSize);
    state_->ended = state_->feed.at_end();
    return Screener::row(std::move(row), !std::exchange(state_->any_row, true), state_->ended);
  });
}

Ciphertext Screener::row(Bytes bytes, bool is_first, bool is_last) {
  if (bytes.size() > kRowSize || (!is_last && bytes.size() != kRowSize))
    throw Error(ErrorCode::kMalformed, "age payload: a row that isn't the last has another length");
  // Whole rows are whole chunks; only the last row can hold another one.
  const std::size_t tail = bytes.size() % kSealedChunkSize;
  const bool is_only_chunk = is_first && bytes.size() == tail;
  if (bytes.empty() || (tail > 0 && tail < kTagSize) || (tail == kTagSize && !is_only_chunk))
    throw Error(ErrorCode::kMalformed, "age payload: it ends within a chunk");
  return Ciphertext(std::move(bytes));
}

}  // namespace letterbox::crypto
