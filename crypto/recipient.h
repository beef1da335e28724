// Who a file is sealed for: age's two native ways to wrap a file key, X25519 and scrypt.
//
// https://age-encryption.org/v1, "The X25519 recipient type" and "The scrypt recipient type".
// A *recipient* (public) wraps a file key into a stanza; an *identity* (secret) unwraps it again.
#pragma once

#include <array>
#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/secret.h"

namespace letterbox::crypto {

/// The 128-bit key of one file. It is drawn once for one file and never used for another.
using FileKey = Secret<16>;

/// Sixteen bytes from the CSPRNG. Throws Error kInternal if it fails. Thread-safe.
FileKey random_file_key();

/// One recipient stanza of an age header: its arguments (the first is its type) and decoded body.
/// Grammar is the header parser's business (crypto/header.h); this is what came through it.
struct Stanza {
  std::vector<std::string> arguments;
  Bytes body;
  bool operator==(const Stanza&) const = default;
};

/// The public half of an X25519 key: "age1…". A small value, copied freely.
class X25519Recipient {
 public:
  using Point = std::array<Byte, 32>;

  explicit X25519Recipient(const Point& point) noexcept : point_(point) {}
  /// Bech32 (BIP 173) with the prefix `age`, lowercase, canonical. Anything else, and a point of
  /// low order, to which nothing can be sealed: nothing.
  static std::optional<X25519Recipient> parse(std::string_view text);

  std::string text() const;
  const Point& point() const noexcept { return point_; }

  /// Wraps `file_key` under `ephemeral`. The caller owns the freshness of `ephemeral`: one that
  /// serves twice for different file keys breaks both. Throws Error kMalformedRecipient for a point
  /// of low order.
  Stanza wrap(const FileKey& file_key, const Secret<32>& ephemeral) const;

  auto operator<=>(const X25519Recipient&) const = default;

 private:
  Point point_;
};

/// The secret half: "AGE-SECRET-KEY-1…".
class X25519Identity {
 public:
  /// A fresh one from the CSPRNG.
  static X25519Identity generate();
  /// From its scalar, 32 bytes that are as good as random ones (RFC 7748 section 5).
  explicit X25519Identity(Secret<32> scalar);
  /// Bech32 with the prefix `AGE-SECRET-KEY-`, uppercase, canonical. Anything else: nothing.
  static std::optional<X25519Identity> parse(std::string_view text);

  const X25519Recipient& recipient() const noexcept { return recipient_; }
  /// The text form, in memory that wipes itself. No line end.
  SecretBytes text() const;

  /// The file key, if this stanza was wrapped for this identity; nothing if it is of another type
  /// or for somebody else. Throws Error kMalformed for an X25519 stanza outside the format
  /// (argument count, share or body length, low-order share). Thread-safe.
  std::optional<FileKey> unwrap(const Stanza& stanza) const;

 private:
  Secret<32> scalar_;
  X25519Recipient recipient_;
};

/// Highest scrypt work factor that we try: 2^22 × 1 KiB is 4 GiB of memory, minutes of time. A file
/// that asks for more is refused unread (age does the same at 22).
inline constexpr unsigned kMaxScryptWorkFactor = 22;

/// The scrypt stanza for `passphrase`, N = 2^work_factor, with a fresh salt.
Stanza scrypt_wrap(const FileKey& file_key, const SecretBytes& passphrase, unsigned work_factor);

/// As X25519Identity::unwrap. A wrong passphrase gives nothing.
std::optional<FileKey> scrypt_unwrap(const Stanza& stanza, const SecretBytes& passphrase,
                                     unsigned max_work_factor = kMaxScryptWorkFactor);

}  // namespace letterbox::crypto
