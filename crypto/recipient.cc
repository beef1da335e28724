#include "crypto/recipient.h"

#include <algorithm>
#include <cstdint>

#include "base/error.h"
#include "crypto/aead.h"
#include "crypto/base64.h"
#include "crypto/bech32.h"
#include "crypto/kdf.h"
#include "crypto/random.h"
#include "crypto/stanza.h"
#include "crypto/x25519.h"

namespace letterbox::crypto {

namespace {

constexpr std::string_view kX25519Type = "X25519";
constexpr std::string_view kX25519Info = "age-encryption.org/v1/X25519";
constexpr std::string_view kRecipientPrefix = "age";
constexpr std::string_view kIdentityPrefix = "AGE-SECRET-KEY-";
constexpr std::string_view kScryptType = "scrypt";
constexpr std::string_view kScryptSaltLabel = "age-encryption.org/v1/scrypt";
constexpr std::size_t kScryptSaltSize = 16;
constexpr std::size_t kBodySize = FileKey::kSize + kAeadTagSize;

// A wrap key seals one file key, ever; so its nonce can be fixed.
constexpr AeadNonce kWrapNonce{};

Bytes concat(ByteView first, ByteView second) {
  Bytes both(first.begin(), first.end());
  both.insert(both.end(), second.begin(), second.end());
  return both;
}

Bytes wrap_file_key(const Secret<32>& wrap_key, const FileKey& file_key) {
  Bytes body(kBodySize);
  std::copy(file_key.reveal().begin(), file_key.reveal().end(), body.begin());
  AeadSealer(wrap_key).seal(kWrapNonce, body);
  return body;
}

std::optional<FileKey> unwrap_file_key(const Secret<32>& wrap_key, ByteView body) {
  FileKey file_key;
  if (!AeadOpener(wrap_key).open(kWrapNonce, body, file_key.reveal())) return std::nullopt;
  return file_key;
}

Secret<32> x25519_wrap_key(const Secret<32>& shared, const CurvePoint& share,
                           const CurvePoint& recipient) {
  return hkdf_sha256(shared.reveal(), concat(share, recipient), kX25519Info);
}

// The length is checked before anything is decrypted: a body that holds more than a file key could
// be made to open under many keys (a partitioning oracle).
void require_body_size(const Stanza& stanza) {
  if (stanza.body.size() != kBodySize)
    throw Error(ErrorCode::kMalformed, "age stanza: the body must be 32 bytes, and is " +
                                           std::to_string(stanza.body.size()));
}

template <std::size_t N>
std::array<Byte, N> decode_argument(const Stanza& stanza, std::size_t index, const char* what) {
  const auto bytes = base64_decode(stanza.arguments[index], Padding::kNone);
  if (!bytes || bytes->size() != N)
    throw Error(ErrorCode::kMalformed, std::string("age stanza: the ") + what +
                                           " must be the unpadded base64 of " + std::to_string(N) +
                                           " bytes");
  std::array<Byte, N> array;
  std::copy(bytes->begin(), bytes->end(), array.begin());
  return array;
}

void require_argument_count(const Stanza& stanza, std::size_t count) {
  if (stanza.arguments.size() != count)
    throw Error(ErrorCode::kMalformed, "age stanza: " + stanza.arguments.front() + " takes " +
                                           std::to_string(count - 1) + " arguments after its type");
}

bool is_of_type(const Stanza& stanza, std::string_view type) {
  return !stanza.arguments.empty() && stanza.arguments.front() == type;
}

// Whether `point` is the only encoding of its value: below 2^255 - 19. A key pair never yields
// another, and what is sealed to one can't be opened, because the recipient's bytes are hashed.
bool is_canonical(const CurvePoint& point) {
  CurvePoint prime;
  prime.fill(0xff);
  prime.front() = 0xed;
  prime.back() = 0x7f;
  return std::lexicographical_compare(point.rbegin(), point.rend(), prime.rbegin(), prime.rend());
}

// ^[1-9][0-9]*$ as age has it; nothing for other texts and for numbers that no limit would admit.
std::optional<unsigned> parse_work_factor(std::string_view text) {
  if (text.empty() || text.front() == '0') return std::nullopt;
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  if (text.size() > 3) return 1000;
  unsigned value = 0;
  for (const char c : text) value = value * 10 + static_cast<unsigned>(c - '0');
  return value;
}

Secret<32> scrypt_wrap_key(const SecretBytes& passphrase, ByteView salt, unsigned work_factor) {
  return scrypt(passphrase, concat(as_bytes(kScryptSaltLabel), salt), work_factor);
}

}  // namespace

FileKey random_file_key() {
  FileKey file_key;
  fill_random(file_key.reveal());
  return file_key;
}

std::optional<X25519Recipient> X25519Recipient::parse(std::string_view text) {
  const auto data = bech32_decode(text, kRecipientPrefix);
  if (!data || data->size() != std::tuple_size_v<Point>) return std::nullopt;
  Point point;
  std::copy(data->reveal().begin(), data->reveal().end(), point.begin());
  if (!is_canonical(point) || is_low_order(point)) return std::nullopt;
  return X25519Recipient(point);
}

std::string X25519Recipient::text() const {
  return std::string(bech32_encode(kRecipientPrefix, point_).reveal_text());
}

Stanza X25519Recipient::wrap(const FileKey& file_key, const Secret<32>& ephemeral) const {
  const X25519Key key(ephemeral);
  const CurvePoint share = key.point();
  const auto shared = key.agree(point_);
  if (!shared)
    throw Error(ErrorCode::kMalformedRecipient,
                "the recipient is a point of low order, to which nothing can be sealed");
  return {{std::string(kX25519Type), base64_encode(share, Padding::kNone)},
          wrap_file_key(x25519_wrap_key(*shared, share, point_), file_key)};
}

X25519Identity::X25519Identity(Secret<32> scalar)
    : scalar_(std::move(scalar)), recipient_(X25519Key(scalar_).point()) {}

X25519Identity X25519Identity::generate() {
  Secret<32> scalar;
  fill_random(scalar.reveal());
  return X25519Identity(std::move(scalar));
}

std::optional<X25519Identity> X25519Identity::parse(std::string_view text) {
  const auto data = bech32_decode(text, kIdentityPrefix);
  if (!data || data->size() != Secret<32>::kSize) return std::nullopt;
  Secret<32> scalar;
  std::copy(data->reveal().begin(), data->reveal().end(), scalar.reveal().begin());
  return X25519Identity(std::move(scalar));
}

SecretBytes X25519Identity::text() const {
  return bech32_encode(kIdentityPrefix, scalar_.reveal());
}

std::optional<FileKey> X25519Identity::unwrap(const Stanza& stanza) const {
  const auto share = x25519_share(stanza);
  if (!share) return std::nullopt;
  const auto shared = X25519Key(scalar_).agree(*share);
  if (!shared)
    throw Error(ErrorCode::kMalformed, "age stanza: the X25519 share is a point of low order");
  return unwrap_file_key(x25519_wrap_key(*shared, *share, recipient_.point()), stanza.body);
}

std::optional<X25519Recipient::Point> x25519_share(const Stanza& stanza) {
  if (!is_of_type(stanza, kX25519Type)) return std::nullopt;
  require_argument_count(stanza, 2);
  const auto share = decode_argument<32>(stanza, 1, "X25519 share");
  require_body_size(stanza);
  return share;
}

bool is_scrypt(const Stanza& stanza) noexcept {
  return is_of_type(stanza, kScryptType);
}

Stanza scrypt_wrap(const FileKey& file_key, const SecretBytes& passphrase, unsigned work_factor) {
  std::array<Byte, kScryptSaltSize> salt;
  fill_random(salt);
  return {
      {std::string(kScryptType), base64_encode(salt, Padding::kNone), std::to_string(work_factor)},
      wrap_file_key(scrypt_wrap_key(passphrase, salt, work_factor), file_key)};
}

std::optional<FileKey> scrypt_unwrap(const Stanza& stanza, const SecretBytes& passphrase,
                                     unsigned max_work_factor) {
  if (!is_scrypt(stanza)) return std::nullopt;
  require_argument_count(stanza, 3);
  const auto salt = decode_argument<kScryptSaltSize>(stanza, 1, "scrypt salt");
  const auto work_factor = parse_work_factor(stanza.arguments[2]);
  if (!work_factor)
    throw Error(ErrorCode::kMalformed,
                "age stanza: the scrypt work factor must be a decimal number");
  if (*work_factor > max_work_factor)
    throw Error(ErrorCode::kTooLarge,
                "age stanza: the scrypt work factor exceeds " + std::to_string(max_work_factor));
  require_body_size(stanza);
  return unwrap_file_key(scrypt_wrap_key(passphrase, salt, *work_factor), stanza.body);
}

}  // namespace letterbox::crypto
