#include "gateway/process.h"

#include <fcntl.h>
#include <grp.h>
#include <malloc.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <system_error>

#include "base/error.h"
#include "base/log.h"

namespace letterbox::gateway {

namespace {

namespace fs = std::filesystem;

struct Account {
  std::string name;
  uid_t uid;
  gid_t gid;
};

std::string reason() {
  return std::generic_category().message(errno);
}

std::optional<Account> account(const passwd* entry) {
  if (entry == nullptr) return std::nullopt;
  return Account{entry->pw_name, entry->pw_uid, entry->pw_gid};
}

// getpwnam and getpwuid: start-up is one thread.
std::optional<Account> by_name(const std::string& name) {
  return account(getpwnam(name.c_str()));  // NOLINT(concurrency-mt-unsafe)
}
std::optional<Account> by_uid(uid_t uid) {
  return account(getpwuid(uid));  // NOLINT(concurrency-mt-unsafe)
}

Account choose(const std::string& user, uid_t owner) {
  if (!user.empty()) {
    const std::optional<Account> named = by_name(user);
    if (!named || named->uid == 0) {
      throw Error(ErrorCode::kConfiguration, "--user " + user + ": no such unprivileged account");
    }
    return *named;
  }
  if (owner != 0) {
    if (const auto its_owner = by_uid(owner)) return *its_owner;
    return Account{std::to_string(owner), owner, static_cast<gid_t>(owner)};
  }
  if (const auto letterbox = by_name("letterbox")) return *letterbox;
  const std::optional<Account> nobody = by_name("nobody");
  if (!nobody) {
    throw Error(ErrorCode::kConfiguration,
                "no account to become; make one: adduser --system --group letterbox");
  }
  log::warn(
      "running as nobody, an account that others may share; make one of its own: adduser "
      "--system --group letterbox");
  return *nobody;
}

void become(const Account& account) {
  if (setgroups(0, nullptr) != 0 || setresgid(account.gid, account.gid, account.gid) != 0 ||
      setresuid(account.uid, account.uid, account.uid) != 0) {
    throw Error(ErrorCode::kConfiguration, "can't become " + account.name + ": " + reason());
  }
}

}  // namespace

void forbid_dumps() {
  const rlimit none{0, 0};
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0) {
    throw Error(ErrorCode::kInternal, "can't forbid core dumps: " + reason());
  }
}

void keep_freed_memory() {
  constexpr int kRows = 1 << 20;
  // Larger than any buffer for rows; to set either keeps glibc from choosing both as it goes.
  (void)mallopt(M_MMAP_THRESHOLD, 4 * kRows);
  (void)mallopt(M_TRIM_THRESHOLD, 8 * kRows);
  (void)mallopt(M_ARENA_MAX, 2);
}

void become_user(const std::string& user, const fs::path& data) {
  if (geteuid() != 0) return;
  std::error_code failed;
  fs::create_directories(data, failed);
  struct stat info {};
  if (failed || stat(data.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    throw Error(ErrorCode::kFile, "the data directory " + data.string() + " can't be made");
  }
  const Account target = choose(user, info.st_uid);
  if (info.st_uid != target.uid) {
    // Only an empty directory is handed over: a change of owner that walked a tree could be led out
    // of it by a link.
    if (!fs::is_empty(data)) {
      throw Error(ErrorCode::kFile,
                  "the data directory " + data.string() +
                      " isn't empty and belongs to another account than " + target.name +
                      "; hand it over with chown -R, or name its owner with --user");
    }
    if (chown(data.c_str(), target.uid, target.gid) != 0) {
      throw Error(ErrorCode::kFile,
                  "can't hand " + data.string() + " over to " + target.name + ": " + reason());
    }
  }
  become(target);
  if (access(data.c_str(), R_OK | W_OK | X_OK) != 0) {
    throw Error(ErrorCode::kFile, "the account " + target.name + " can't reach " + data.string() +
                                      ": a directory above it is closed to others; choose another "
                                      "place, such as /var/lib/letterbox");
  }
}

void drop_root(const std::string& user, const fs::path& data) {
  if (geteuid() != 0) return;
  struct stat info {};
  become(choose(user, stat(data.c_str(), &info) == 0 ? info.st_uid : 0));
}

}  // namespace letterbox::gateway
