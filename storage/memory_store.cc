// The store in memory. It keeps the contract of the one on PostgreSQL, durability aside.
#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include "base/error.h"
#include "storage/memory_directory.h"
#include "storage/row_framing.h"
#include "storage/store.h"

namespace letterbox::storage {

namespace {

using Rows = std::vector<Ciphertext>;

struct StoredFile {
  FileRecord record;
  std::shared_ptr<const Rows> rows;  // a reader may hold on to them
};

struct StoredDelivery {
  NewDelivery opened;
  std::set<std::string> recipients;
  std::optional<std::string> manifest;
  std::set<Uuid> files;

  bool alive() const { return opened.expires > std::chrono::system_clock::now(); }
  bool visible() const { return alive() && manifest.has_value(); }
};

// What one tenant has.
struct TenantShelf {
  std::map<Uuid, StoredDelivery> deliveries;
  std::map<Uuid, StoredFile> files;

  void require_new(const NewDelivery& delivery) const {
    if (deliveries.contains(delivery.id)) {
      throw Error(ErrorCode::kConflict, "a delivery has this id already: " + delivery.id.text());
    }
  }

  StoredDelivery& open(const NewDelivery& delivery) {
    StoredDelivery& opened = deliveries[delivery.id];
    opened.opened = delivery;
    opened.recipients.insert(delivery.recipients.begin(), delivery.recipients.end());
    return opened;
  }

  StoredDelivery* alive(const Uuid& id) {
    const auto found = deliveries.find(id);
    return found != deliveries.end() && found->second.alive() ? &found->second : nullptr;
  }

  StoredDelivery& still_open(const Uuid& id) {
    StoredDelivery* const delivery = alive(id);
    if (delivery == nullptr) {
      throw Error(ErrorCode::kNotFound,
                  "there is no such delivery, or it has expired: " + id.text());
    }
    if (delivery->manifest) {
      throw Error(ErrorCode::kConflict, "the delivery is closed already: " + id.text());
    }
    return *delivery;
  }

  void require_free(const Uuid& file) const {
    if (files.contains(file)) {
      throw Error(ErrorCode::kConflict, "a file has this id already: " + file.text());
    }
  }

  const StoredFile* visible(const Uuid& file) const {
    const auto found = files.find(file);
    if (found == files.end()) return nullptr;
    return deliveries.at(found->second.record.delivery).visible() ? &found->second : nullptr;
  }

  Delivery describe(const StoredDelivery& stored) const {
    Delivery delivery;
    delivery.id = stored.opened.id;
    delivery.sender = stored.opened.sender;
    delivery.state = stored.manifest ? DeliveryState::kClosed : DeliveryState::kOpen;
    delivery.sealed_by_gateway = stored.opened.sealed_by_gateway;
    delivery.created = stored.opened.created;
    delivery.expires = stored.opened.expires;
    delivery.covers = {stored.opened.cover};
    delivery.manifest = stored.manifest;
    for (const Uuid& id : stored.files) {
      const FileRecord& file = files.at(id).record;
      delivery.files.push_back({id, file.payload_length, file.payload_sha256});
    }
    return delivery;
  }
};

// Everything, under one lock. Whoever changes something checks it all, then records the event,
// which may be refused, and then changes it: nothing has to be undone.
struct Shelf {
  explicit Shelf(MemoryDirectory& all) : directory(all) {}

  std::mutex mutex;
  std::map<TenantId, TenantShelf> tenants;
  MemoryDirectory& directory;  // has a lock of its own, which is taken after this one

  void require_sender(TenantId tenant, const NewDelivery& delivery) {
    if (!directory.principals().find(tenant, delivery.sender)) {
      throw Error(ErrorCode::kNotFound, "the sender is no principal of this tenant");
    }
  }
  void record(TenantId tenant, const AuditEvent& event) { directory.audit().append(tenant, event); }
};

class Writer final : public BlobWriter {
 public:
  Writer(Shelf& shelf, TenantId tenant, const Uuid& file)
      : shelf_(shelf), tenant_(tenant), file_(file) {}

  void append(const Ciphertext& row) override {
    require_unfinished();
    framing_.add(row);
    rows_->push_back(row);
  }

  void commit(const FileRecord& file, const SealedIndex* index, const AuditEvent& event) override {
    (void)index;
    require_unfinished();
    framing_.require(file, file_);
    const std::lock_guard lock(shelf_.mutex);
    TenantShelf& own = shelf_.tenants[tenant_];
    StoredDelivery& delivery = own.still_open(file.delivery);
    own.require_free(file.id);
    shelf_.record(tenant_, event);
    put(file, own, delivery);
  }

  void commit_as_delivery(const FileRecord& file, const SealedIndex* index,
                          const NewDelivery& delivery, const std::string& manifest,
                          const AuditEvent& event) override {
    (void)index;
    require_sound(delivery);
    if (file.delivery != delivery.id) {
      throw Error(ErrorCode::kInternal, "the file names another delivery than the one to make");
    }
    require_unfinished();
    framing_.require(file, file_);
    const std::lock_guard lock(shelf_.mutex);
    TenantShelf& own = shelf_.tenants[tenant_];
    own.require_new(delivery);
    own.require_free(file.id);
    shelf_.require_sender(tenant_, delivery);
    shelf_.record(tenant_, event);
    StoredDelivery& made = own.open(delivery);
    put(file, own, made);
    made.manifest = manifest;
  }

 private:
  void require_unfinished() const {
    if (committed_) throw Error(ErrorCode::kInternal, "the file is committed already");
  }

  void put(const FileRecord& file, TenantShelf& own, StoredDelivery& delivery) {
    own.files.emplace(file.id, StoredFile{file, std::move(rows_)});
    delivery.files.insert(file.id);
    committed_ = true;
  }

  Shelf& shelf_;
  const TenantId tenant_;
  const Uuid file_;
  RowFraming framing_;
  std::shared_ptr<Rows> rows_ = std::make_shared<Rows>();
  bool committed_ = false;
};

class Reader final : public Source {
 public:
  Reader(Shelf& shelf, TenantId tenant, const Uuid& file)
      : shelf_(shelf), tenant_(tenant), file_(file) {}

  ByteView next() override {
    if (rows_ != nullptr && next_ == rows_->size()) return {};
    {
      const std::lock_guard lock(shelf_.mutex);
      const StoredFile* file = shelf_.tenants[tenant_].visible(file_);
      if (file == nullptr) {
        throw Error(ErrorCode::kNotFound, "there is no such file any more: " + file_.text());
      }
      rows_ = file->rows;
    }
    return (*rows_)[next_++].view();
  }

 private:
  Shelf& shelf_;
  const TenantId tenant_;
  const Uuid file_;
  std::shared_ptr<const Rows> rows_;
  std::size_t next_ = 0;
};

class Blobs final : public BlobStore {
 public:
  explicit Blobs(Shelf& shelf) : shelf_(shelf) {}

  std::unique_ptr<BlobWriter> begin(TenantId tenant, const Uuid& id) override {
    return std::make_unique<Writer>(shelf_, tenant, id);
  }

  std::optional<FileRecord> find(TenantId tenant, const Uuid& id) override {
    const std::lock_guard lock(shelf_.mutex);
    const StoredFile* file = shelf_.tenants[tenant].visible(id);
    if (file == nullptr) return std::nullopt;
    return file->record;
  }

  std::unique_ptr<Source> read(TenantId tenant, const Uuid& id) override {
    return std::make_unique<Reader>(shelf_, tenant, id);
  }

  void put_index(TenantId, const Uuid&, const Uuid&, const SealedIndex&,
                 const AuditEvent&) override {
    throw Error(ErrorCode::kInternal, "not yet");
  }
  std::unique_ptr<IndexReader> read_indexes(TenantId, const Uuid&) override {
    throw Error(ErrorCode::kInternal, "not yet");
  }

  bool remove(TenantId tenant, const Uuid& id, const AuditEvent& event) override {
    const std::lock_guard lock(shelf_.mutex);
    TenantShelf& own = shelf_.tenants[tenant];
    const auto file = own.files.find(id);
    if (file == own.files.end()) return false;
    shelf_.record(tenant, event);
    own.deliveries.at(file->second.record.delivery).files.erase(id);
    own.files.erase(file);
    return true;
  }

 private:
  Shelf& shelf_;
};

class Deliveries final : public DeliveryStore {
 public:
  explicit Deliveries(Shelf& shelf) : shelf_(shelf) {}

  void open(TenantId tenant, const NewDelivery& delivery, const AuditEvent& event) override {
    require_sound(delivery);
    const std::lock_guard lock(shelf_.mutex);
    TenantShelf& own = shelf_.tenants[tenant];
    own.require_new(delivery);
    shelf_.require_sender(tenant, delivery);
    shelf_.record(tenant, event);
    own.open(delivery);
  }

  void close(TenantId tenant, const Uuid& id, const std::string& manifest,
             const std::vector<Uuid>& files, const std::vector<Uuid>& /*indexes*/,
             const AuditEvent& event) override {
    const std::lock_guard lock(shelf_.mutex);
    StoredDelivery& delivery = shelf_.tenants[tenant].still_open(id);
    const bool exactly = std::is_permutation(files.begin(), files.end(), delivery.files.begin(),
                                             delivery.files.end());
    if (files.empty() || !exactly) {
      throw Error(ErrorCode::kConflict,
                  "the manifest names other files than the delivery holds: " + id.text());
    }
    shelf_.record(tenant, event);
    delivery.manifest = manifest;
  }

  std::optional<Delivery> find(TenantId tenant, const Uuid& id) override {
    const std::lock_guard lock(shelf_.mutex);
    TenantShelf& own = shelf_.tenants[tenant];
    const StoredDelivery* const found = own.alive(id);
    if (found == nullptr) return std::nullopt;
    return own.describe(*found);
  }

  std::optional<Audience> audience(TenantId tenant, const Uuid& id) override {
    const std::lock_guard lock(shelf_.mutex);
    const StoredDelivery* const found = shelf_.tenants[tenant].alive(id);
    if (found == nullptr) return std::nullopt;
    return Audience{found->opened.sender,
                    {found->recipients.begin(), found->recipients.end()},
                    found->manifest ? DeliveryState::kClosed : DeliveryState::kOpen};
  }

  bool revoke(TenantId, const Uuid&, const AuditEvent&) override {
    throw Error(ErrorCode::kInternal, "not yet");
  }

  InboxPage inbox(TenantId tenant, const std::string& recipient, const std::optional<Uuid>& after,
                  std::size_t limit) override {
    const std::lock_guard lock(shelf_.mutex);
    TenantShelf& own = shelf_.tenants[tenant];
    std::vector<Delivery> found;
    auto place = after ? own.deliveries.upper_bound(*after) : own.deliveries.begin();
    for (; place != own.deliveries.end() && found.size() < limit; ++place) {
      const StoredDelivery& delivery = place->second;
      if (delivery.visible() && delivery.recipients.contains(recipient)) {
        found.push_back(own.describe(delivery));
      }
    }
    return {found, false};
  }

 private:
  Shelf& shelf_;
};

class MemoryStore final : public Store {
 public:
  BlobStore& blobs() override { return blobs_; }
  DeliveryStore& deliveries() override { return deliveries_; }
  StudyStore& studies() override { throw Error(ErrorCode::kInternal, "not yet"); }
  TenantStore& tenants() override { return directory_.tenants(); }
  PrincipalStore& principals() override { return directory_.principals(); }
  DeviceStore& devices() override { return directory_.devices(); }
  MachineStore& machines() override { return directory_.machines(); }
  InvitationStore& invitations() override { return directory_.invitations(); }
  MailboxStore& mailboxes() override { return directory_.mailboxes(); }
  NonceStore& nonces() override { return directory_.nonces(); }
  AuditStore& audit() override { return directory_.audit(); }
  // There are no earlier runs; what this one staged goes with its writers.
  Swept sweep() override { return {}; }
  Condition condition() override { return {.reachable = true, .schema_current = true}; }
  ConnectionUse connection_use() override { return {}; }

 private:
  MemoryDirectory directory_;
  Shelf shelf_{directory_};
  Blobs blobs_{shelf_};
  Deliveries deliveries_{shelf_};
};

}  // namespace

std::unique_ptr<Store> open_memory() {
  return std::make_unique<MemoryStore>();
}

}  // namespace letterbox::storage
