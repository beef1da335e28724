// Bytes, how they are pulled through Letterbox, and the type that says "this is sealed".
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace letterbox {

using Byte = std::uint8_t;
using Bytes = std::vector<Byte>;
using ByteView = std::span<const Byte>;

/// A SHA-256 value.
using Digest = std::array<Byte, 32>;

/// The bytes of a text, and a text's view of bytes: no copy, no conversion.
ByteView as_bytes(std::string_view text) noexcept;
std::string_view as_text(ByteView bytes) noexcept;

/// Lowercase hexadecimal.
std::string to_hex(ByteView bytes);
/// The digest that to_hex writes as `text`; nothing for any other text.
std::optional<Digest> digest_from_hex(std::string_view text) noexcept;

/// Bytes in the order they arrive, pulled by the one who wants them. A request's body, a file, a
/// decryption and a stored payload are all Sources, so they can be set one behind the other, and
/// nobody holds more than one piece.
class Source {
 public:
  virtual ~Source() = default;

  /// The next piece, of any length, valid until the next call; empty at the end, and from then on.
  /// Throws Error: kTruncatedBody, kIntegrity, kUnavailable … according to what it draws from.
  /// After a throw the source is spent. For one thread at a time.
  virtual ByteView next() = 0;
};

/// A Source over bytes that somebody else keeps alive, in pieces of at most `piece` bytes.
class ViewSource final : public Source {
 public:
  explicit ViewSource(ByteView bytes, std::size_t piece = SIZE_MAX) : rest_(bytes), piece_(piece) {}
  ByteView next() override;

 private:
  ByteView rest_;
  std::size_t piece_;
};

/// What was read ahead, then the rest.
class PrefixedSource final : public Source {
 public:
  /// `rest` must outlive this.
  PrefixedSource(Bytes prefix, Source& rest) : prefix_(std::move(prefix)), rest_(rest) {}
  /// Wipes the prefix: it may be the beginning of somebody's image.
  ~PrefixedSource() override;
  PrefixedSource(const PrefixedSource&) = delete;
  PrefixedSource& operator=(const PrefixedSource&) = delete;

  ByteView next() override;

 private:
  Bytes prefix_;
  Source& rest_;
  bool begun_ = false;
};

/// Everything that `source` still yields. Throws kTooLarge once it exceeds `limit` bytes.
Bytes read_all(Source& source, std::size_t limit);

namespace crypto {
class Sealer;
class Screener;
}  // namespace crypto

/// Sealed bytes: one row of an age payload (see crypto/stream.h), and the only thing that storage
/// takes as content. Only crypto can make one: from plaintext (Sealer), or from an upload that was
/// sealed elsewhere and follows age's framing (Screener). The latter proves grammar, not
/// encryption.
class Ciphertext {
 public:
  ByteView view() const noexcept { return bytes_; }
  std::size_t size() const noexcept { return bytes_.size(); }

 private:
  friend class crypto::Sealer;
  friend class crypto::Screener;
  explicit Ciphertext(Bytes bytes) noexcept : bytes_(std::move(bytes)) {}
  Bytes bytes_;
};

}  // namespace letterbox
