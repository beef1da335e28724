#include "gateway/disk.h"

#include <sys/statvfs.h>

#include <utility>

#include "base/error.h"

namespace letterbox::gateway {

Disk::Disk(std::filesystem::path below, std::uint64_t reserve, bool has_database)
    : below_(std::move(below)), reserve_(reserve), has_database_(has_database) {}

std::optional<std::uint64_t> Disk::free() const noexcept {
  struct statvfs disk {};
  if (statvfs(below_.c_str(), &disk) != 0) return std::nullopt;
  return static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
}

bool Disk::has_room() const noexcept {
  const std::optional<std::uint64_t> bytes = free();
  if (!bytes) return false;
  if (*bytes >= reserve_) return true;
  return has_database_ && *bytes >= reserve_ / 2 && reusable_ >= reserve_;
}

void Disk::require_room() const {
  if (!has_database_ || has_room()) return;
  throw Error(ErrorCode::kStorageFull,
              "no more than disk.reserve is free below the data directory");
}

ByteView StoredBody::next() {
  disk_.require_room();
  return body_.next();
}

}  // namespace letterbox::gateway
