// What the shelf in memory holds, for the stores that are made of it.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "storage/memory_directory.h"
#include "storage/store.h"

namespace letterbox::storage {

struct MemoryIndex {
  Bytes header;
  std::array<Byte, 16> nonce;
  Bytes row;
  FileSummary summary;
};

struct MemoryFile {
  FileRecord record;
  std::shared_ptr<const std::vector<Ciphertext>> rows;  // a reader may hold on to them
  std::shared_ptr<const MemoryIndex> index;             // likewise; null: there is none

  /// Of a study's file.
  struct Instance {
    Mac instance;
    Mac content;
    std::chrono::system_clock::time_point stored;
  };
  std::optional<Instance> instance;
  std::chrono::system_clock::time_point stored = std::chrono::system_clock::now();
};

/// What is kept of the version before.
struct MemoryVersion {
  std::chrono::sys_seconds since;  // when it became a former one
  std::map<Uuid, FileHeaders> headers;
};

struct MemoryUpload {
  Upload upload;
  UploadProgress progress;
  std::vector<Ciphertext> rows;
};

struct MemoryDelivery {
  NewDelivery opened;
  std::vector<std::string> covers;
  std::set<std::string> recipients;
  std::optional<std::string> manifest;
  std::set<Uuid> files;
  std::map<std::uint32_t, MemoryVersion> former;
  std::map<std::string, DeviceProgress> progress;  // by recipient

  DeliveryState state = DeliveryState::kOpen;
  bool warned = false;
  // Of one that has ended: when, and what it held then.
  std::optional<std::chrono::sys_seconds> ended;
  std::uint64_t final_files = 0;
  std::uint64_t final_bytes = 0;
  std::string deletion_receipt;

  struct Study {
    Mac study;
    std::string mailbox;
    std::chrono::seconds closes_after;
    bool joinable;
  };
  std::optional<Study> study;

  bool alive() const {
    return !has_ended(state) && opened.expires > std::chrono::system_clock::now();
  }
  bool visible() const { return alive() && state == DeliveryState::kClosed; }
  std::uint32_t version() const { return static_cast<std::uint32_t>(covers.size()); }
  bool joinable() const { return alive() && study && study->joinable; }
};

struct MemoryNotice {
  Notice notice;                   // its place is 0 until it has one
  std::map<Uuid, bool> readers{};  // whether they are told by mail; once it has a place
};

/// How far somebody is told, and when they are told next.
struct MemoryTelling {
  NoticePlace told = 0;
  unsigned failures = 0;
  std::chrono::sys_seconds next_try = std::chrono::sys_seconds::min();
};

/// What one tenant has.
struct MemoryTenant {
  std::map<Uuid, MemoryDelivery> deliveries;
  std::map<Uuid, MemoryFile> files;
  std::map<Uuid, MemoryUpload> uploads;
  struct Downloads {
    std::uint32_t count;
    std::chrono::sys_seconds since;  // the last one that was counted
  };
  std::map<std::pair<Uuid, std::string>, Downloads> downloads;  // by file and recipient
  std::vector<MemoryNotice> notices;                            // as they were made
  std::optional<std::pair<Webhook, MemoryTelling>> webhook;
  std::map<Uuid, std::pair<std::string, MemoryTelling>> mail;  // by principal

  std::uint64_t reserved = 0;  // by what is staged

  std::uint64_t used() const;
  void require_new(const NewDelivery& delivery) const;
  void require_free(const Uuid& file) const;
  MemoryDelivery& open(const NewDelivery& delivery);
  MemoryDelivery* alive(const Uuid& id);
  /// Throws Error kNotFound, kConflict.
  MemoryDelivery& still_open(const Uuid& id);
  const MemoryFile* visible(const Uuid& file) const;
  Delivery describe(const MemoryDelivery& stored) const;
  void put(MemoryFile file);
  /// By value: the id may be that of the very set that it is taken from.
  void remove(Uuid file);
  void drop_uploads(const Uuid& delivery, bool complete_ones_too);
  /// Its files, uploads, former versions and MACs go; `state` is one that has ended.
  void end(MemoryDelivery& delivery, DeliveryState state, std::chrono::sys_seconds now);
  void close(MemoryDelivery& delivery, const std::string& manifest);
  void notice(NoticeKind kind, const Uuid& delivery,
              const std::optional<std::string>& recipient = {});
};

/// Everything, under one lock. Whoever changes something checks it all, then records the event,
/// which may be refused, and then changes it: nothing has to be undone.
struct MemoryShelf {
  explicit MemoryShelf(MemoryDirectory& all) : directory(all) {}

  std::mutex mutex;
  std::map<TenantId, MemoryTenant> tenants;
  MemoryDirectory& directory;  // has a lock of its own, which is taken after this one

  std::set<std::pair<TenantId, Uuid>> held;  // uploads that have a writer
  NoticePlace last_place = 0;

  void require_sender(TenantId tenant, const NewDelivery& delivery);
  /// Throws Error kQuotaExceeded if so many bytes more don't fit.
  void require_room(TenantId tenant, std::uint64_t more);
  Lapsed sweep(std::chrono::sys_seconds now, std::size_t limit);
  void drop_notices(TenantId tenant, std::chrono::sys_seconds now, std::uint64_t& dropped,
                    std::size_t limit);
  void record(TenantId tenant, const AuditEvent& event) { directory.audit().append(tenant, event); }
};

/// What a file with this index comes to, for whoever is told.
std::uint64_t size_of(const FileRecord& file, const MemoryIndex* index);
/// What it counts for: its headers, too.
std::uint64_t room_of(const FileRecord& file, const MemoryIndex* index);

/// So much of the room of a tenant as what is staged takes up. For one thread at a time.
class MemoryReservation {
 public:
  MemoryReservation(MemoryShelf& shelf, TenantId tenant) : shelf_(shelf), tenant_(tenant) {}
  ~MemoryReservation();
  MemoryReservation(const MemoryReservation&) = delete;
  MemoryReservation& operator=(const MemoryReservation&) = delete;

  /// Takes up `bytes` in all. Throws Error kQuotaExceeded.
  void grow_to(std::uint64_t bytes);
  /// With the shelf's lock held.
  void release();

 private:
  MemoryShelf& shelf_;
  const TenantId tenant_;
  std::uint64_t bytes_ = 0;
};

/// Throws as require_sound (storage/study_check.h). Null for null.
std::shared_ptr<const MemoryIndex> memory_index(const Uuid& file, const SealedIndex* index);

}  // namespace letterbox::storage
