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
#include "storage/study_store.h"

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
};

struct MemoryDelivery {
  NewDelivery opened;
  std::set<std::string> recipients;
  std::optional<std::string> manifest;
  std::set<Uuid> files;
  bool revoked = false;

  struct Study {
    Mac study;
    std::string mailbox;
    std::chrono::seconds closes_after;
    bool joinable;
  };
  std::optional<Study> study;

  bool alive() const { return !revoked && opened.expires > std::chrono::system_clock::now(); }
  bool visible() const { return alive() && manifest.has_value(); }
  bool joinable() const { return alive() && study && study->joinable; }
};

/// What one tenant has.
struct MemoryTenant {
  std::map<Uuid, MemoryDelivery> deliveries;
  std::map<Uuid, MemoryFile> files;

  void require_new(const NewDelivery& delivery) const;
  void require_free(const Uuid& file) const;
  MemoryDelivery& open(const NewDelivery& delivery);
  MemoryDelivery* alive(const Uuid& id);
  /// Throws Error kNotFound, kConflict.
  MemoryDelivery& still_open(const Uuid& id);
  const MemoryFile* visible(const Uuid& file) const;
  Delivery describe(const MemoryDelivery& stored) const;
  void put(MemoryFile file);
};

/// Everything, under one lock. Whoever changes something checks it all, then records the event,
/// which may be refused, and then changes it: nothing has to be undone.
struct MemoryShelf {
  explicit MemoryShelf(MemoryDirectory& all) : directory(all) {}

  std::mutex mutex;
  std::map<TenantId, MemoryTenant> tenants;
  MemoryDirectory& directory;  // has a lock of its own, which is taken after this one

  void require_sender(TenantId tenant, const NewDelivery& delivery);
  void record(TenantId tenant, const AuditEvent& event) { directory.audit().append(tenant, event); }
};

/// Throws as require_sound (storage/study_check.h). Null for null.
std::shared_ptr<const MemoryIndex> memory_index(const Uuid& file, const SealedIndex* index);

}  // namespace letterbox::storage
