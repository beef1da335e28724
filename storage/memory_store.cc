// The store in memory. It keeps the contract of the one on PostgreSQL, durability aside.
#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include "base/error.h"
#include "storage/memory_notices.h"
#include "storage/memory_receipts.h"
#include "storage/memory_sharing.h"
#include "storage/memory_shelf.h"
#include "storage/memory_studies.h"
#include "storage/memory_uploads.h"
#include "storage/row_framing.h"
#include "storage/store.h"

namespace letterbox::storage {

namespace {

using Rows = std::vector<Ciphertext>;

class Writer final : public BlobWriter {
 public:
  Writer(MemoryShelf& shelf, TenantId tenant, const Uuid& file)
      : shelf_(shelf), tenant_(tenant), file_(file), reservation_(shelf, tenant) {}

  void append(const Ciphertext& row) override {
    require_unfinished();
    framing_.add(row);
    if (framing_.rows() % kRowsUnreserved == 0) reservation_.grow_to(framing_.bytes());
    rows_->push_back(row);
  }

  void commit(const FileRecord& file, const SealedIndex* index, const AuditEvent& event) override {
    require_unfinished();
    framing_.require(file, file_);
    auto indexed = memory_index(file.id, index);
    const std::lock_guard lock(shelf_.mutex);
    MemoryTenant& own = shelf_.tenants[tenant_];
    own.still_open(file.delivery);
    own.require_free(file.id);
    reservation_.release();
    shelf_.require_room(tenant_, room_of(file, indexed.get()));
    shelf_.record(tenant_, event);
    put(file, std::move(indexed), own);
  }

  void commit_as_delivery(const FileRecord& file, const SealedIndex* index,
                          const NewDelivery& delivery, const std::string& manifest,
                          const AuditEvent& event) override {
    require_sound(delivery);
    if (file.delivery != delivery.id) {
      throw Error(ErrorCode::kInternal, "the file names another delivery than the one to make");
    }
    require_unfinished();
    framing_.require(file, file_);
    auto indexed = memory_index(file.id, index);
    const std::lock_guard lock(shelf_.mutex);
    MemoryTenant& own = shelf_.tenants[tenant_];
    own.require_new(delivery);
    own.require_free(file.id);
    shelf_.require_sender(tenant_, delivery);
    reservation_.release();
    shelf_.require_room(tenant_, room_of(file, indexed.get()));
    shelf_.record(tenant_, event);
    own.close(own.open(delivery), manifest);
    put(file, std::move(indexed), own);
  }

 private:
  void require_unfinished() const {
    if (committed_) throw Error(ErrorCode::kInternal, "the file is committed already");
  }

  void put(const FileRecord& file, std::shared_ptr<const MemoryIndex> index, MemoryTenant& own) {
    own.put({file, std::move(rows_), std::move(index), std::nullopt});
    committed_ = true;
  }

  MemoryShelf& shelf_;
  const TenantId tenant_;
  const Uuid file_;
  RowFraming framing_;
  MemoryReservation reservation_;
  std::shared_ptr<Rows> rows_ = std::make_shared<Rows>();
  bool committed_ = false;
};

class Reader final : public Source {
 public:
  Reader(MemoryShelf& shelf, TenantId tenant, const Uuid& file, std::size_t first)
      : shelf_(shelf), tenant_(tenant), file_(file), next_(first) {}

  ByteView next() override {
    if (rows_ != nullptr && next_ >= rows_->size()) return {};
    {
      const std::lock_guard lock(shelf_.mutex);
      const MemoryFile* file = shelf_.tenants[tenant_].visible(file_);
      if (file == nullptr) {
        throw Error(ErrorCode::kNotFound, "there is no such file any more: " + file_.text());
      }
      rows_ = file->rows;
    }
    if (next_ >= rows_->size()) return {};
    return (*rows_)[next_++].view();
  }

 private:
  MemoryShelf& shelf_;
  const TenantId tenant_;
  const Uuid file_;
  std::shared_ptr<const Rows> rows_;
  std::size_t next_;
};

class Indexes final : public IndexReader {
 public:
  Indexes(MemoryShelf& shelf, TenantId tenant, const Uuid& delivery)
      : shelf_(shelf), tenant_(tenant), delivery_(delivery) {}

  std::optional<StoredIndex> next() override {
    const std::lock_guard lock(shelf_.mutex);
    MemoryTenant& own = shelf_.tenants[tenant_];
    const MemoryDelivery* const delivery = own.alive(delivery_);
    if (delivery == nullptr || !delivery->visible()) {
      throw Error(ErrorCode::kNotFound, "there is no such delivery any more: " + delivery_.text());
    }
    for (auto id = last_ ? delivery->files.upper_bound(*last_) : delivery->files.begin();
         id != delivery->files.end(); ++id) {
      last_ = *id;
      piece_ = own.files.at(*id).index;
      if (piece_ != nullptr) return StoredIndex{*id, piece_->header, piece_->nonce, piece_->row};
    }
    return std::nullopt;
  }

 private:
  MemoryShelf& shelf_;
  const TenantId tenant_;
  const Uuid delivery_;
  std::optional<Uuid> last_;
  std::shared_ptr<const MemoryIndex> piece_;  // what the views given out last look at
};

// Whether `named` are these ids, each once.
template <typename Ids>
bool names_exactly(const std::vector<Uuid>& named, const Ids& ids) {
  return std::is_permutation(named.begin(), named.end(), ids.begin(), ids.end());
}

class Blobs final : public BlobStore {
 public:
  explicit Blobs(MemoryShelf& shelf) : shelf_(shelf) {}

  std::unique_ptr<BlobWriter> begin(TenantId tenant, const Uuid& id) override {
    return std::make_unique<Writer>(shelf_, tenant, id);
  }

  std::optional<FileRecord> find(TenantId tenant, const Uuid& id) override {
    const std::lock_guard lock(shelf_.mutex);
    const MemoryFile* file = shelf_.tenants[tenant].visible(id);
    if (file == nullptr) return std::nullopt;
    return file->record;
  }

  std::unique_ptr<Source> read(TenantId tenant, const Uuid& id, std::size_t first) override {
    return std::make_unique<Reader>(shelf_, tenant, id, first);
  }

  FilePage read_files(TenantId tenant, const Uuid& delivery, const Uuid& after,
                      std::uint64_t up_to) override {
    const std::lock_guard lock(shelf_.mutex);
    MemoryTenant& own = shelf_.tenants[tenant];
    const MemoryDelivery* const there = own.alive(delivery);
    if (there == nullptr || !there->visible()) {
      throw Error(ErrorCode::kNotFound, "there is no such delivery any more: " + delivery.text());
    }
    auto kept = std::make_shared<std::vector<MemoryFile>>();
    std::uint64_t bytes = 0;
    for (auto id = there->files.upper_bound(after); id != there->files.end(); ++id) {
      const MemoryFile& file = own.files.at(*id);
      if (file.record.payload_length > up_to) continue;
      bytes += std::min<std::uint64_t>(file.record.payload_length, kFullRow);
      if (!kept->empty() && bytes > FilePage::kPageRows * kFullRow) break;
      kept->push_back(file);
    }
    FilePage page{{}, kept};
    for (const MemoryFile& file : *kept) {
      const bool is_one_row = file.rows->size() == 1;
      page.files.push_back({file.record.id, file.record.header, file.record.nonce,
                            file.record.payload_length,
                            is_one_row ? file.rows->front().view() : ByteView()});
    }
    return page;
  }

  void put_index(TenantId tenant, const Uuid& delivery, const Uuid& file, const SealedIndex& index,
                 const AuditEvent& event) override {
    auto indexed = memory_index(file, &index);
    const std::lock_guard lock(shelf_.mutex);
    MemoryTenant& own = shelf_.tenants[tenant];
    if (!own.still_open(delivery).files.contains(file)) {
      throw Error(ErrorCode::kNotFound, "the delivery has no such file: " + file.text());
    }
    MemoryFile& indexes = own.files.at(file);
    if (indexes.index != nullptr) {
      throw Error(ErrorCode::kConflict, "the file has an index already: " + file.text());
    }
    shelf_.require_room(tenant, indexed->summary.payload_length + indexed->header.size());
    shelf_.record(tenant, event);
    indexes.index = std::move(indexed);
  }

  std::unique_ptr<IndexReader> read_indexes(TenantId tenant, const Uuid& delivery) override {
    return std::make_unique<Indexes>(shelf_, tenant, delivery);
  }

  bool remove(TenantId tenant, const Uuid& id, const AuditEvent& event) override {
    const std::lock_guard lock(shelf_.mutex);
    MemoryTenant& own = shelf_.tenants[tenant];
    if (!own.files.contains(id)) return false;
    shelf_.record(tenant, event);
    own.remove(id);
    return true;
  }

  std::uint64_t used(TenantId tenant) override {
    const std::lock_guard lock(shelf_.mutex);
    return shelf_.tenants[tenant].used();
  }

 private:
  MemoryShelf& shelf_;
};

class Deliveries final : public DeliveryStore {
 public:
  explicit Deliveries(MemoryShelf& shelf) : shelf_(shelf) {}

  bool open(TenantId tenant, const NewDelivery& delivery, const AuditEvent& event) override {
    require_sound(delivery);
    const std::lock_guard lock(shelf_.mutex);
    MemoryTenant& own = shelf_.tenants[tenant];
    if (const MemoryDelivery* const there = own.alive(delivery.id)) {
      const NewDelivery& opened = there->opened;
      if (opened.cover == delivery.cover && opened.sender == delivery.sender &&
          opened.downloads == delivery.downloads) {
        return false;
      }
    }
    own.require_new(delivery);
    shelf_.require_sender(tenant, delivery);
    shelf_.record(tenant, event);
    own.open(delivery);
    return true;
  }

  bool close(TenantId tenant, const Uuid& id, const std::string& manifest,
             const std::vector<Uuid>& files, const std::vector<Uuid>& indexes,
             const AuditEvent& event) override {
    const std::lock_guard lock(shelf_.mutex);
    MemoryTenant& own = shelf_.tenants[tenant];
    if (const MemoryDelivery* const there = own.alive(id)) {
      if (there->manifest == manifest) return false;
    }
    MemoryDelivery& delivery = own.still_open(id);
    std::vector<Uuid> indexed;
    for (const Uuid& file : delivery.files) {
      if (own.files.at(file).index != nullptr) indexed.push_back(file);
    }
    if (files.empty() || !names_exactly(files, delivery.files) ||
        !names_exactly(indexes, indexed)) {
      throw Error(
          ErrorCode::kConflict,
          "the manifest names other files or indexes than the delivery holds: " + id.text());
    }
    shelf_.record(tenant, event);
    own.close(delivery, manifest);
    return true;
  }

  std::optional<DeliveryPart> part(TenantId tenant, const Uuid& id,
                                   const std::vector<std::uint32_t>& versions) override {
    const std::lock_guard lock(shelf_.mutex);
    MemoryTenant& own = shelf_.tenants[tenant];
    const MemoryDelivery* const found = own.alive(id);
    if (found == nullptr) return std::nullopt;
    const auto is_indexed = [&](const Uuid& file) { return own.files.at(file).index != nullptr; };
    DeliveryPart part{{},
                      found->files.size(),
                      static_cast<std::size_t>(
                          std::count_if(found->files.begin(), found->files.end(), is_indexed))};
    for (const std::uint32_t version : versions) {
      if (version == 0 || version > found->version()) return std::nullopt;
      part.covers.push_back(found->covers[version - 1]);
    }
    return part;
  }

  using DeliveryStore::revoke;
  std::optional<std::string> revoke(TenantId tenant, const Uuid& id,
                                    const std::function<std::string()>& receipt,
                                    const AuditEvent& event) override {
    const std::lock_guard lock(shelf_.mutex);
    MemoryTenant& own = shelf_.tenants[tenant];
    const auto found = own.deliveries.find(id);
    if (found == own.deliveries.end()) return std::nullopt;
    MemoryDelivery& delivery = found->second;
    if (delivery.state == DeliveryState::kRevoked) return delivery.deletion_receipt;
    shelf_.record(tenant, event);
    own.end(delivery, DeliveryState::kRevoked,
            std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
    delivery.deletion_receipt = receipt();
    return delivery.deletion_receipt;
  }

  std::optional<Delivery> find(TenantId tenant, const Uuid& id) override {
    const std::lock_guard lock(shelf_.mutex);
    MemoryTenant& own = shelf_.tenants[tenant];
    const MemoryDelivery* const found = own.alive(id);
    if (found == nullptr) return std::nullopt;
    return own.describe(*found);
  }

  std::optional<Audience> audience(TenantId tenant, const Uuid& id) override {
    const std::lock_guard lock(shelf_.mutex);
    const MemoryDelivery* const found = shelf_.tenants[tenant].alive(id);
    if (found == nullptr) return std::nullopt;
    return Audience{found->opened.sender,
                    {found->recipients.begin(), found->recipients.end()},
                    found->state,
                    found->version()};
  }

  InboxPage inbox(TenantId tenant, const std::string& recipient, const std::optional<Uuid>& after,
                  std::size_t limit) override {
    const std::lock_guard lock(shelf_.mutex);
    MemoryTenant& own = shelf_.tenants[tenant];
    InboxPage page{{}, false};
    std::size_t records = 0;
    auto place = after ? own.deliveries.upper_bound(*after) : own.deliveries.begin();
    for (; place != own.deliveries.end(); ++place) {
      const MemoryDelivery& delivery = place->second;
      if (!delivery.visible() || !delivery.recipients.contains(recipient)) continue;
      page.more = page.deliveries.size() == limit || records >= kPageRecords;
      if (page.more) break;
      page.deliveries.push_back(own.describe(delivery));
      records += delivery.manifest->size();
      for (const std::string& cover : delivery.covers) records += cover.size();
    }
    return page;
  }

 private:
  MemoryShelf& shelf_;
};

class MemoryStore final : public Store {
 public:
  BlobStore& blobs() override { return blobs_; }
  DeliveryStore& deliveries() override { return deliveries_; }
  StudyStore& studies() override { return studies_; }
  UploadStore& uploads() override { return uploads_; }
  SharingStore& sharing() override { return sharing_; }
  ReceiptStore& receipts() override { return receipts_; }
  NoticeStore& notices() override { return notices_; }
  WebhookStore& webhooks() override { return webhooks_; }
  MailStore& mail() override { return mail_; }
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
  // The bytes go with what they belong to.
  Lapsed sweep_lapsed(std::chrono::sys_seconds now, std::size_t limit) override {
    const std::lock_guard lock(shelf_.mutex);
    return shelf_.sweep(now, limit);
  }
  std::uint64_t reusable() override { return 0; }
  Condition condition() override { return {.reachable = true, .schema_current = true}; }
  ConnectionUse connection_use() override { return {}; }

 private:
  MemoryDirectory directory_;
  MemoryShelf shelf_{directory_};
  MemoryStudies studies_{shelf_};
  MemoryUploads uploads_{shelf_};
  MemorySharing sharing_{shelf_};
  MemoryReceipts receipts_{shelf_};
  MemoryNotices notices_{shelf_};
  MemoryWebhooks webhooks_{shelf_};
  MemoryMail mail_{shelf_};
  Blobs blobs_{shelf_};
  Deliveries deliveries_{shelf_};
};

}  // namespace

std::unique_ptr<Store> open_memory() {
  return std::make_unique<MemoryStore>();
}

}  // namespace letterbox::storage
