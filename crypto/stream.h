// The age payload: a nonce, then 64 KiB chunks under ChaCha20-Poly1305 in the STREAM construction.
//
// https://age-encryption.org/v1, "Payload". Storage keeps the chunks in rows of sixteen, so what
// comes out of here are rows: a Range maps to rows, and two cores can share one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/uuid.h"
#include "crypto/recipient.h"

namespace letterbox::crypto {

inline constexpr std::size_t kChunkSize = std::size_t{64} * 1024;
inline constexpr std::size_t kTagSize = 16;
inline constexpr std::size_t kSealedChunkSize = kChunkSize + kTagSize;
inline constexpr std::size_t kChunksPerRow = 16;
inline constexpr std::size_t kRowSize = kChunksPerRow * kSealedChunkSize;  // 1,048,832

using PayloadNonce = std::array<Byte, 16>;

/// HKDF-SHA-256(ikm = file key, salt = file id, info = "letterbox/v1/nonce"), first 16 bytes. It
/// never changes over a file's life, whoever it is shared with.
PayloadNonce payload_nonce(const FileKey& file_key, const Uuid& file_id);

/// Length of nonce and chunks for `plaintext` bytes. An empty plaintext is one empty chunk.
std::uint64_t sealed_size(std::uint64_t plaintext) noexcept;

/// Seals what `plaintext` yields. Memory: one row in, one row out, whatever the file's size.
class Sealer {
 public:
  /// `threads` > 1 shares each row's chunks between that many threads. `plaintext` must outlive
  /// this.
  Sealer(const FileKey& file_key, const PayloadNonce& nonce, Source& plaintext,
         unsigned threads = 1);
  ~Sealer();
  Sealer(const Sealer&) = delete;
  Sealer& operator=(const Sealer&) = delete;

  /// The next row: kRowSize bytes, the last one shorter; then nothing. Throws what `plaintext`
  /// throws, and from then on never yields a final chunk. For one thread at a time.
  std::optional<Ciphertext> next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Opens nonce and chunks that `payload` yields. Each piece it yields is authentic as far as it
/// goes; only its end (an empty piece, not a throw) proves that nothing was cut off. Release
/// nothing before that.
class Opener final : public Source {
 public:
  /// `expected_nonce`: what the nonce must be (payload_nonce); null where the file id isn't known.
  Opener(const FileKey& file_key, Source& payload, const PayloadNonce* expected_nonce = nullptr,
         unsigned threads = 1);
  ~Opener() override;
  Opener(const Opener&) = delete;
  Opener& operator=(const Opener&) = delete;

  /// Plaintext, up to a row at a time. Throws Error kIntegrity for a chunk that isn't authentic,
  /// out of place, missing or surplus, and for another nonce.
  ByteView next() override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Takes a payload that was sealed elsewhere and gives it out in rows, after checking what can be
/// checked without a key: a nonce, then full chunks, then one last chunk of 16 to 65,552 bytes that
/// is empty inside only if it is the only one.
class Screener {
 public:
  explicit Screener(Source& payload);
  ~Screener();
  Screener(const Screener&) = delete;
  Screener& operator=(const Screener&) = delete;

  /// Pulled at construction. Throws from the constructor: Error kMalformed if fewer than 16 bytes.
  const PayloadNonce& nonce() const noexcept;
  /// As Sealer::next. Throws Error kMalformed for framing that no sealer makes.
  std::optional<Ciphertext> next();

  /// The same for one row that came otherwise than through a Source, in an upload that broke off
  /// and went on. Throws Error kMalformed.
  static Ciphertext row(Bytes bytes, bool is_first, bool is_last);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace letterbox::crypto
