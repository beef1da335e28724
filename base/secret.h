// Memory for secrets: wiped when it dies, never copied by accident.
#pragma once

#include <string.h>

#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace letterbox {

/// Overwrites `memory` in a way that the compiler can't drop as a dead store.
inline void wipe(std::span<Byte> memory) noexcept {
  // An empty span may point nowhere, which explicit_bzero doesn't allow whatever the length.
  if (!memory.empty()) explicit_bzero(memory.data(), memory.size());
}

/// A secret of fixed length. It moves (the source is wiped) and doesn't copy. Reading it is spelled
/// out: look for `.reveal()` to find every place where a secret's bytes are touched.
template <std::size_t N>
class Secret {
 public:
  static constexpr std::size_t kSize = N;

  Secret() noexcept { bytes_.fill(0); }
  ~Secret() { wipe(bytes_); }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  Secret(Secret&& other) noexcept : bytes_(other.bytes_) { wipe(other.bytes_); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      wipe(other.bytes_);
    }
    return *this;
  }

  std::span<const Byte, N> reveal() const noexcept { return bytes_; }
  std::span<Byte, N> reveal() noexcept { return bytes_; }

 private:
  std::array<Byte, N> bytes_;
};

/// A secret of a length known at run time: a passphrase, a decrypted key file. Its capacity is
/// fixed when it is made, because a growing vector leaves its old storage unwiped behind.
class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(std::size_t size) : bytes_(size) {}
  explicit SecretBytes(ByteView bytes) : bytes_(bytes.begin(), bytes.end()) {}
  ~SecretBytes() { wipe(bytes_); }
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  SecretBytes(SecretBytes&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    if (this != &other) {
      wipe(bytes_);
      bytes_ = std::exchange(other.bytes_, {});
    }
    return *this;
  }

  std::size_t size() const noexcept { return bytes_.size(); }
  bool empty() const noexcept { return bytes_.empty(); }
  /// Shortens to `size` bytes and wipes what is cut; leaves alone what is no longer than that.
  void truncate(std::size_t size) noexcept {
    if (size >= bytes_.size()) return;
    wipe(std::span(bytes_).subspan(size));
    bytes_.resize(size);
  }
  std::span<const Byte> reveal() const noexcept { return bytes_; }
  std::span<Byte> reveal() noexcept { return bytes_; }
  std::string_view reveal_text() const noexcept { return as_text(bytes_); }

 private:
  Bytes bytes_;
};

}  // namespace letterbox
