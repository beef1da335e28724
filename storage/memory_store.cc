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

// Everything, under one lock. Functions that end in _locked want it held.
struct Shelf {
  std::mutex mutex;
  std::map<Uuid, StoredDelivery> deliveries;
  std::map<Uuid, StoredFile> files;

  StoredDelivery& open_locked(const NewDelivery& delivery) {
    const auto [place, fresh] = deliveries.try_emplace(delivery.id);
    if (!fresh) {
      throw Error(ErrorCode::kConflict, "a delivery has this id already: " + delivery.id.text());
    }
    place->second.opened = delivery;
    place->second.recipients.insert(delivery.recipients.begin(), delivery.recipients.end());
    return place->second;
  }

  StoredDelivery& still_open_locked(const Uuid& id) {
    const auto found = deliveries.find(id);
    if (found == deliveries.end() || !found->second.alive()) {
      throw Error(ErrorCode::kNotFound,
                  "there is no such delivery, or it has expired: " + id.text());
    }
    if (found->second.manifest) {
      throw Error(ErrorCode::kConflict, "the delivery is closed already: " + id.text());
    }
    return found->second;
  }

  void require_free_locked(const Uuid& file) const {
    if (files.contains(file)) {
      throw Error(ErrorCode::kConflict, "a file has this id already: " + file.text());
    }
  }

  const StoredFile* visible_locked(const Uuid& file) const {
    const auto found = files.find(file);
    if (found == files.end()) return nullptr;
    return deliveries.at(found->second.record.delivery).visible() ? &found->second : nullptr;
  }

  Delivery describe_locked(const StoredDelivery& stored) const {
    Delivery delivery;
    delivery.id = stored.opened.id;
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

class Writer final : public BlobWriter {
 public:
  Writer(std::shared_ptr<Shelf> shelf, const Uuid& file) : shelf_(std::move(shelf)), file_(file) {}

  void append(const Ciphertext& row) override {
    require_unfinished();
    framing_.add(row);
    rows_->push_back(row);
  }

  void commit(const FileRecord& file) override {
    require_unfinished();
    framing_.require(file, file_);
    const std::lock_guard lock(shelf_->mutex);
    StoredDelivery& delivery = shelf_->still_open_locked(file.delivery);
    shelf_->require_free_locked(file.id);
    put_locked(file, delivery);
  }

  void commit_as_delivery(const FileRecord& file, const NewDelivery& delivery,
                          const std::string& manifest) override {
    require_sound(delivery);
    if (file.delivery != delivery.id) {
      throw Error(ErrorCode::kInternal, "the file names another delivery than the one to make");
    }
    require_unfinished();
    framing_.require(file, file_);
    const std::lock_guard lock(shelf_->mutex);
    shelf_->require_free_locked(file.id);
    StoredDelivery& made = shelf_->open_locked(delivery);
    put_locked(file, made);
    made.manifest = manifest;
  }

 private:
  void require_unfinished() const {
    if (committed_) throw Error(ErrorCode::kInternal, "the file is committed already");
  }

  void put_locked(const FileRecord& file, StoredDelivery& delivery) {
    shelf_->files.emplace(file.id, StoredFile{file, std::move(rows_)});
    delivery.files.insert(file.id);
    committed_ = true;
  }

  std::shared_ptr<Shelf> shelf_;
  const Uuid file_;
  RowFraming framing_;
  std::shared_ptr<Rows> rows_ = std::make_shared<Rows>();
  bool committed_ = false;
};

class Reader final : public Source {
 public:
  Reader(std::shared_ptr<Shelf> shelf, const Uuid& file) : shelf_(std::move(shelf)), file_(file) {}

  ByteView next() override {
    if (rows_ != nullptr && next_ == rows_->size()) return {};
    {
      const std::lock_guard lock(shelf_->mutex);
      const StoredFile* file = shelf_->visible_locked(file_);
      if (file == nullptr) {
        throw Error(ErrorCode::kNotFound, "there is no such file any more: " + file_.text());
      }
      rows_ = file->rows;
    }
    return (*rows_)[next_++].view();
  }

 private:
  std::shared_ptr<Shelf> shelf_;
  const Uuid file_;
  std::shared_ptr<const Rows> rows_;
  std::size_t next_ = 0;
};

class Blobs final : public BlobStore {
 public:
  explicit Blobs(std::shared_ptr<Shelf> shelf) : shelf_(std::move(shelf)) {}

  std::unique_ptr<BlobWriter> begin(const Uuid& id) override {
    return std::make_unique<Writer>(shelf_, id);
  }

  std::optional<FileRecord> find(const Uuid& id) override {
    const std::lock_guard lock(shelf_->mutex);
    const StoredFile* file = shelf_->visible_locked(id);
    if (file == nullptr) return std::nullopt;
    return file->record;
  }

  std::unique_ptr<Source> read(const Uuid& id) override {
    return std::make_unique<Reader>(shelf_, id);
  }

 private:
  std::shared_ptr<Shelf> shelf_;
};

class Deliveries final : public DeliveryStore {
 public:
  explicit Deliveries(std::shared_ptr<Shelf> shelf) : shelf_(std::move(shelf)) {}

  void open(const NewDelivery& delivery) override {
    require_sound(delivery);
    const std::lock_guard lock(shelf_->mutex);
    shelf_->open_locked(delivery);
  }

  void close(const Uuid& id, const std::string& manifest, const std::vector<Uuid>& files) override {
    const std::lock_guard lock(shelf_->mutex);
    StoredDelivery& delivery = shelf_->still_open_locked(id);
    const bool exactly = std::is_permutation(files.begin(), files.end(), delivery.files.begin(),
                                             delivery.files.end());
    if (files.empty() || !exactly) {
      throw Error(ErrorCode::kConflict,
                  "the manifest names other files than the delivery holds: " + id.text());
    }
    delivery.manifest = manifest;
  }

  std::optional<Delivery> find(const Uuid& id) override {
    const std::lock_guard lock(shelf_->mutex);
    const auto found = shelf_->deliveries.find(id);
    if (found == shelf_->deliveries.end() || !found->second.alive()) return std::nullopt;
    return shelf_->describe_locked(found->second);
  }

  std::vector<Delivery> inbox(const std::string& recipient, const std::optional<Uuid>& after,
                              std::size_t limit) override {
    const std::lock_guard lock(shelf_->mutex);
    std::vector<Delivery> found;
    auto place = after ? shelf_->deliveries.upper_bound(*after) : shelf_->deliveries.begin();
    for (; place != shelf_->deliveries.end() && found.size() < limit; ++place) {
      const StoredDelivery& delivery = place->second;
      if (delivery.visible() && delivery.recipients.contains(recipient)) {
        found.push_back(shelf_->describe_locked(delivery));
      }
    }
    return found;
  }

 private:
  std::shared_ptr<Shelf> shelf_;
};

class MemoryStore final : public Store {
 public:
  BlobStore& blobs() override { return blobs_; }
  DeliveryStore& deliveries() override { return deliveries_; }
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
  std::shared_ptr<Shelf> shelf_ = std::make_shared<Shelf>();
  Blobs blobs_{shelf_};
  Deliveries deliveries_{shelf_};
  MemoryDirectory directory_;
};

}  // namespace

std::unique_ptr<Store> open_memory() {
  return std::make_unique<MemoryStore>();
}

}  // namespace letterbox::storage
