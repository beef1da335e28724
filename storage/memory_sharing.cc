#include "storage/memory_sharing.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "storage/sharing_check.h"

namespace letterbox::storage {

namespace {

MemoryDelivery& require_closed(MemoryTenant& own, const Uuid& id) {
  MemoryDelivery* const delivery = own.alive(id);
  if (delivery == nullptr || !delivery->visible()) {
    throw Error(ErrorCode::kNotFound, "there is no such delivery that is closed: " + id.text());
  }
  return *delivery;
}

class Change final : public RecipientChange {
 public:
  Change(MemoryShelf& shelf, TenantId tenant, const Uuid& delivery)
      : shelf_(shelf), tenant_(tenant), delivery_(delivery) {}

  void add(const Uuid& file, FileHeaders headers) override {
    require_sound(headers);
    is_double_ |= !headers_.emplace(file, std::move(headers)).second;
  }

  SwapOutcome commit(const NewVersion& version, std::chrono::sys_seconds now,
                     const AuditEvent& event) override {
    require_sound(version);
    const std::lock_guard lock(shelf_.mutex);
    MemoryTenant& own = shelf_.tenants[tenant_];
    MemoryDelivery& delivery = require_closed(own, delivery_);
    if (delivery.version() == version.version && delivery.covers.back() == version.cover) {
      return SwapOutcome::kDoneBefore;
    }
    if (delivery.version() + 1 != version.version) return SwapOutcome::kOtherVersion;
    const auto kept = delivery.former.size() - delivery.former.count(1);
    if (!version.is_senders && kept >= kMostFormerVersions) return SwapOutcome::kTooManyKept;
    if (is_double_ || !fit(own, delivery)) return SwapOutcome::kOtherFiles;
    shelf_.record(tenant_, event);
    MemoryVersion& former = delivery.former[delivery.version()];
    former.since = now;
    for (auto& [id, headers] : headers_) swap(own.files.at(id), headers, former, version.version);
    delivery.covers.push_back(version.cover);
    delivery.recipients = {version.recipients.begin(), version.recipients.end()};
    own.notice(NoticeKind::kShared, delivery_);
    return SwapOutcome::kDone;
  }

 private:
  bool fit(const MemoryTenant& own, const MemoryDelivery& delivery) const {
    return std::equal(headers_.begin(), headers_.end(), delivery.files.begin(),
                      delivery.files.end(), [&](const auto& one, const Uuid& id) {
                        return one.first == id &&
                               one.second.index.has_value() == (own.files.at(id).index != nullptr);
                      });
  }

  static void swap(MemoryFile& file, FileHeaders& headers, MemoryVersion& former,
                   std::uint32_t version) {
    FileHeaders& old = former.headers[file.record.id];
    old.header = std::exchange(file.record.header, std::move(headers.header));
    file.record.version = version;
    if (file.index == nullptr) return;
    MemoryIndex index = *file.index;
    old.index = std::exchange(index.header, *std::move(headers.index));
    file.index = std::make_shared<const MemoryIndex>(std::move(index));
  }

  MemoryShelf& shelf_;
  const TenantId tenant_;
  const Uuid delivery_;
  std::map<Uuid, FileHeaders> headers_;
  bool is_double_ = false;
};

class Beginnings final : public BeginningsReader {
 public:
  Beginnings(MemoryShelf& shelf, TenantId tenant, const Uuid& delivery, std::uint32_t version)
      : shelf_(shelf), tenant_(tenant), delivery_(delivery), version_(version) {}

  std::optional<FileBeginnings> next() override {
    const std::lock_guard lock(shelf_.mutex);
    MemoryTenant& own = shelf_.tenants[tenant_];
    const MemoryDelivery& delivery = require_closed(own, delivery_);
    const auto former = delivery.former.find(version_);
    if (former == delivery.former.end() && delivery.version() != version_) {
      throw Error(ErrorCode::kNotFound, "this version isn't kept: " + delivery_.text());
    }
    const auto id = last_ ? delivery.files.upper_bound(*last_) : delivery.files.begin();
    if (id == delivery.files.end()) return std::nullopt;
    last_ = *id;
    const MemoryFile& file = own.files.at(*id);
    FileBeginnings found{*id, {file.record.header, std::nullopt}, file.record.nonce};
    if (file.index != nullptr) {
      found.headers.index = file.index->header;
      found.index_nonce = file.index->nonce;
    }
    if (former != delivery.former.end()) found.headers = former->second.headers.at(*id);
    return found;
  }

 private:
  MemoryShelf& shelf_;
  const TenantId tenant_;
  const Uuid delivery_;
  const std::uint32_t version_;
  std::optional<Uuid> last_;
};

}  // namespace

std::unique_ptr<BeginningsReader> MemorySharing::read(TenantId tenant, const Uuid& delivery,
                                                      std::uint32_t version) {
  return std::make_unique<Beginnings>(shelf_, tenant, delivery, version);
}

std::unique_ptr<RecipientChange> MemorySharing::begin(TenantId tenant, const Uuid& delivery) {
  return std::make_unique<Change>(shelf_, tenant, delivery);
}

std::optional<FileHeaders> MemorySharing::former(TenantId tenant, const Uuid& file,
                                                 std::uint32_t version) {
  const std::lock_guard lock(shelf_.mutex);
  const MemoryTenant& own = shelf_.tenants[tenant];
  const MemoryFile* const found = own.visible(file);
  if (found == nullptr) return std::nullopt;
  const auto& former = own.deliveries.at(found->record.delivery).former;
  const auto kept = former.find(version);
  if (kept == former.end()) return std::nullopt;
  return kept->second.headers.at(file);
}

std::vector<std::uint32_t> MemorySharing::kept(TenantId tenant, const Uuid& delivery) {
  const std::lock_guard lock(shelf_.mutex);
  std::vector<std::uint32_t> versions;
  if (const MemoryDelivery* const found = shelf_.tenants[tenant].alive(delivery)) {
    for (const auto& [version, former] : found->former) versions.push_back(version);
  }
  return versions;
}

bool MemorySharing::confirm(TenantId tenant, const Uuid& id, std::uint32_t version,
                            const AuditEvent& event) {
  const std::lock_guard lock(shelf_.mutex);
  MemoryDelivery& delivery = require_closed(shelf_.tenants[tenant], id);
  if (version > delivery.version()) {
    throw Error(ErrorCode::kConflict, "the delivery hasn't come to this version: " + id.text());
  }
  const auto begin = delivery.former.upper_bound(1);
  const auto end = delivery.former.lower_bound(version);
  if (version < 2 || begin == end) return false;
  shelf_.record(tenant, event);
  delivery.former.erase(begin, end);
  return true;
}

}  // namespace letterbox::storage
