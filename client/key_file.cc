#include "client/key_file.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "client/files.h"
#include "client/keyring.h"
#include "client/passphrase.h"
#include "crypto/base64.h"
#include "crypto/passphrase_file.h"

namespace letterbox::client {
namespace {

constexpr std::size_t kMaxKeyFile = 64 * 1024;
constexpr std::string_view kSeedComment = "# letterbox-signing-seed: ";

// Wipes a text that held a secret on its way between types that don't.
class WipedText {
 public:
  explicit WipedText(std::string text) : text_(std::move(text)) {}
  ~WipedText() { wipe({reinterpret_cast<Byte*>(text_.data()), text_.size()}); }
  WipedText(const WipedText&) = delete;
  WipedText& operator=(const WipedText&) = delete;
  std::string_view view() const noexcept { return text_; }

 private:
  std::string text_;
};

std::optional<crypto::SigningKey> parse_seed(std::string_view text) {
  auto decoded = crypto::base64_decode(text, crypto::Padding::kRequired);
  if (!decoded) return std::nullopt;
  const SecretBytes bytes = [&] {
    SecretBytes copy{ByteView(*decoded)};
    wipe(*decoded);
    return copy;
  }();
  Secret<32> seed;
  if (bytes.size() != seed.kSize) return std::nullopt;
  std::copy(bytes.reveal().begin(), bytes.reveal().end(), seed.reveal().begin());
  return crypto::SigningKey(std::move(seed));
}

SecretBytes read_sealed_or_bare(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path))
    throw Error(ErrorCode::kFile, "there is no key file " + path.string() +
                                      "; run letterbox login, or name another --home");
  return read_secret_file(path, kMaxKeyFile);
}

// What the keyring holds may be of a file that has been replaced since: then it is as good as none.
std::optional<SecretBytes> open_unlocked(const std::filesystem::path& path,
                                         const SecretBytes& file) {
  const auto file_key = unlocked_file_key(path);
  if (!file_key) return std::nullopt;
  try {
    return crypto::open_with_file_key(file.reveal(), *file_key);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kIntegrity) throw;
    return std::nullopt;
  }
}

crypto::FileKey file_key_by_passphrase(
    const std::filesystem::path& path, const SecretBytes& file,
    const std::optional<std::filesystem::path>& passphrase_file) {
  const SecretBytes passphrase = read_passphrase(passphrase_file, "Passphrase of the key file: ");
  try {
    return crypto::passphrase_file_key(file.reveal(), passphrase);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kWrongPassphrase) throw;
    throw Error(ErrorCode::kWrongPassphrase, "the passphrase doesn't open " + path.string());
  }
}

}  // namespace

SecretBytes format_key_file(const crypto::X25519Identity& identity, const crypto::SigningKey& key,
                            const records::Handle& handle, records::Time created) {
  const std::string comments = "# created: " + records::to_text(created) +
                               "\n# handle: " + handle.text() +
                               "\n# recipient: " + identity.recipient().text() + "\n";
  const WipedText seed(crypto::base64_encode(key.seed().reveal(), crypto::Padding::kRequired));
  const SecretBytes secret_key = identity.text();

  const std::array<std::string_view, 6> parts = {
      comments, kSeedComment, seed.view(), "\n", secret_key.reveal_text(), "\n"};
  std::size_t size = 0;
  for (const auto part : parts) size += part.size();
  SecretBytes file(size);
  auto end = file.reveal().begin();
  for (const auto part : parts) end = std::copy(part.begin(), part.end(), end);
  return file;
}

DeviceKeys parse_key_file(std::string_view plaintext) {
  DeviceKeys keys;
  std::size_t number = 0;
  while (!plaintext.empty()) {
    const std::size_t end = plaintext.find('\n');
    std::string_view line = plaintext.substr(0, end);
    plaintext.remove_prefix(end == std::string_view::npos ? plaintext.size() : end + 1);
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto malformed = [number] {
      return Error(ErrorCode::kMalformed,
                   "the key file's line " + std::to_string(number) + " isn't understood");
    };
    if (line.starts_with(kSeedComment)) {
      auto key = parse_seed(line.substr(kSeedComment.size()));
      if (keys.signing_key || !key) throw malformed();
      keys.signing_key = std::move(key);
    } else if (!line.empty() && !line.starts_with('#')) {
      auto identity = crypto::X25519Identity::parse(line);
      if (!identity) throw malformed();
      keys.identities.push_back(std::move(*identity));
    }
  }
  if (keys.identities.empty())
    throw Error(ErrorCode::kMalformed, "the key file holds no AGE-SECRET-KEY-1… line");
  return keys;
}

DeviceKeys read_key_file(const std::filesystem::path& path,
                         const std::optional<std::filesystem::path>& passphrase_file) {
  const SecretBytes file = read_sealed_or_bare(path);
  if (!crypto::looks_like_age(file.reveal())) return parse_key_file(file.reveal_text());
  if (!passphrase_file) {
    if (const auto opened = open_unlocked(path, file)) return parse_key_file(opened->reveal_text());
  }
  const crypto::FileKey key = file_key_by_passphrase(path, file, passphrase_file);
  return parse_key_file(crypto::open_with_file_key(file.reveal(), key).reveal_text());
}

crypto::FileKey key_file_key(const std::filesystem::path& path,
                             const std::optional<std::filesystem::path>& passphrase_file) {
  const SecretBytes file = read_sealed_or_bare(path);
  if (!crypto::looks_like_age(file.reveal()))
    throw Error(ErrorCode::kConflict,
                path.string() + " isn't sealed with a passphrase, so there is nothing to unlock");
  return file_key_by_passphrase(path, file, passphrase_file);
}

}  // namespace letterbox::client
