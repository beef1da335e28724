#include "client/keyring.h"

#include <keyutils.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include "base/error.h"
#include "base/secret.h"

namespace letterbox::client {
namespace {

constexpr const char* kType = "user";

// By user, not by possession: a key in the user's keyring is possessed only by sessions that link
// to that, and not all do (a cron job's, a systemd unit's).
constexpr key_perm_t kPermissions = KEY_POS_VIEW | KEY_POS_READ | KEY_POS_SEARCH | KEY_POS_LINK |
                                    KEY_USR_VIEW | KEY_USR_READ | KEY_USR_SEARCH;

// The path, so that `keyctl show @u` tells its user what is kept. Others don't see it.
std::string description(const std::filesystem::path& path) {
  return "letterbox:" + std::filesystem::weakly_canonical(path).string();
}

key_serial_t find(const std::filesystem::path& path) {
  return static_cast<key_serial_t>(
      ::keyctl_search(KEY_SPEC_USER_KEYRING, kType, description(path).c_str(), 0));
}

Error refused() {
  return Error(
      ErrorCode::kConfiguration,
      "the kernel's keyring can't be used here: " + std::generic_category().message(errno) +
          "; nothing was changed, and commands ask for the passphrase as before");
}

}  // namespace

void keep_unlocked(const std::filesystem::path& path, const crypto::FileKey& file_key,
                   std::chrono::seconds time) {
  // It is made in a keyring that ends with this process, and moved when its time is set: there is
  // no moment at which a process that dies leaves it behind for good. Linking takes the place of a
  // key with the same description.
  const auto bytes = file_key.reveal();
  const key_serial_t key = ::add_key(kType, description(path).c_str(), bytes.data(), bytes.size(),
                                     KEY_SPEC_PROCESS_KEYRING);
  if (key < 0) throw refused();
  if (::keyctl_set_timeout(key, static_cast<unsigned>(time.count())) < 0 ||
      ::keyctl_setperm(key, kPermissions) < 0 || ::keyctl_link(key, KEY_SPEC_USER_KEYRING) < 0) {
    const Error error = refused();
    ::keyctl_unlink(key, KEY_SPEC_PROCESS_KEYRING);
    throw error;
  }
  ::keyctl_unlink(key, KEY_SPEC_PROCESS_KEYRING);
}

std::optional<crypto::FileKey> unlocked_file_key(const std::filesystem::path& path) {
  const key_serial_t key = find(path);
  if (key < 0) return std::nullopt;
  crypto::FileKey file_key;
  const auto bytes = file_key.reveal();
  // It answers how long the key is, whether or not it fits.
  const long size =
      ::keyctl_read(key, reinterpret_cast<char*>(bytes.data()), crypto::FileKey::kSize);
  if (size != static_cast<long>(crypto::FileKey::kSize)) return std::nullopt;
  return file_key;
}

bool forget_unlocked(const std::filesystem::path& path) {
  const key_serial_t key = find(path);
  if (key < 0) return false;
  if (::keyctl_invalidate(key) < 0) throw refused();
  return true;
}

}  // namespace letterbox::client
