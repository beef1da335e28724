// The disk below the data directory, and what of it is kept free.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>

#include "base/bytes.h"

namespace letterbox::gateway {

/// PostgreSQL stops altogether when it can't write its log any more. So whatever lets the private
/// database grow is refused while there still is room: for those who read, close and take back, and
/// for the database itself. Thread-safe.
class Disk {
 public:
  /// `reserve` are bytes to be kept free. Whether the database is on it: another one's disk is for
  /// others to watch.
  Disk(std::filesystem::path below, std::uint64_t reserve, bool has_database);

  /// Bytes that may still be written; nothing if the system doesn't say.
  std::optional<std::uint64_t> free() const noexcept;
  std::uint64_t reserve() const noexcept { return reserve_; }

  /// So many bytes the database has taken already and can fill again without a larger disk.
  void may_reuse(std::uint64_t bytes) noexcept { reusable_ = bytes; }
  /// Whether the reserve is free; or half of it, and the database could take as much out of what it
  /// has. It never gives that back, so without this a disk that was full once would stay full.
  bool has_room() const noexcept;
  /// Throws Error kStorageFull where the database is on it and there is none.
  void require_room() const;

 private:
  const std::filesystem::path below_;
  const std::uint64_t reserve_;
  const bool has_database_;
  std::atomic<std::uint64_t> reusable_ = 0;
};

/// Bytes that are going to be stored, as long as there is room for them. Both must outlive it.
class StoredBody final : public Source {
 public:
  StoredBody(Source& body, const Disk& disk) : body_(body), disk_(disk) {}
  /// Throws Error kStorageFull, and what `body` throws.
  ByteView next() override;

 private:
  Source& body_;
  const Disk& disk_;
};

}  // namespace letterbox::gateway
