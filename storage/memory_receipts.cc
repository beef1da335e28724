#include "storage/memory_receipts.h"

#include <iterator>

#include "base/error.h"
#include "storage/audit_check.h"
#include "storage/lifetimes.h"

namespace letterbox::storage {

namespace {

DeviceProgress& progress_of(MemoryDelivery& delivery, const std::string& recipient) {
  return delivery.progress.try_emplace(recipient, DeviceProgress{recipient, true, {}, {}})
      .first->second;
}

SentDelivery describe(const MemoryTenant& own, const MemoryDelivery& delivery) {
  const NewDelivery& opened = delivery.opened;
  SentDelivery sent{
      opened.id,
      opened.sender,
      has_ended(delivery.state) || delivery.alive() ? delivery.state : DeliveryState::kExpired,
      opened.sealed_by_gateway,
      opened.created,
      opened.expires,
      delivery.ended,
      opened.downloads,
      delivery.final_files + delivery.files.size(),
      delivery.final_bytes,
      delivery.covers,
      delivery.manifest,
      std::nullopt,
      {}};
  for (const Uuid& id : delivery.files) {
    const MemoryFile& file = own.files.at(id);
    sent.bytes += size_of(file.record, file.index.get());
  }
  if (!delivery.deletion_receipt.empty()) sent.deletion_receipt = delivery.deletion_receipt;
  std::map<std::string, DeviceProgress> devices = delivery.progress;
  for (auto& [recipient, device] : devices) device.listed = false;
  for (const std::string& recipient : delivery.recipients) {
    devices.try_emplace(recipient, DeviceProgress{recipient, true, {}, {}}).first->second.listed =
        true;
  }
  for (auto& [recipient, device] : devices) sent.devices.push_back(std::move(device));
  return sent;
}

std::size_t bulk_of(const SentDelivery& sent) {
  std::size_t bytes = sent.manifest ? sent.manifest->size() : 0;
  for (const std::string& cover : sent.covers) bytes += cover.size();
  return bytes;
}

}  // namespace

std::vector<std::optional<DownloadOutcome>> MemoryReceipts::begin_downloads(
    TenantId tenant, std::span<const Uuid> files, const std::string& recipient,
    std::chrono::sys_seconds now, const AuditEvent& event) {
  require_sound(event);
  const std::lock_guard lock(shelf_.mutex);
  std::vector<std::optional<DownloadOutcome>> outcomes;
  for (const Uuid& file : files) {
    AuditEvent of_file = event;
    of_file.object = file;
    outcomes.push_back(begin_one(tenant, file, recipient, now, of_file));
  }
  return outcomes;
}

std::optional<DownloadOutcome> MemoryReceipts::begin_one(TenantId tenant, const Uuid& file,
                                                         const std::string& recipient,
                                                         std::chrono::sys_seconds now,
                                                         const AuditEvent& event) {
  MemoryTenant& own = shelf_.tenants[tenant];
  const MemoryFile* const found = own.visible(file);
  if (found == nullptr) return std::nullopt;
  MemoryDelivery& delivery = own.deliveries.at(found->record.delivery);
  if (!delivery.recipients.contains(recipient)) return std::nullopt;
  const auto known = own.downloads.find({file, recipient});
  if (known != own.downloads.end()) {
    if (now < known->second.since + kDownloadContinues) return DownloadOutcome::kContinued;
    if (known->second.count >= delivery.opened.downloads) return DownloadOutcome::kRefused;
  }
  shelf_.record(tenant, event);
  MemoryTenant::Downloads& counted = own.downloads[{file, recipient}];
  ++counted.count;
  counted.since = now;
  DeviceProgress& device = progress_of(delivery, recipient);
  if (!device.collected) {
    device.collected = now;
    own.notice(NoticeKind::kCollected, delivery.opened.id, recipient);
  }
  return DownloadOutcome::kCounted;
}

bool MemoryReceipts::put_opened(TenantId tenant, const Uuid& id, const std::string& recipient,
                                const std::string& receipt, const AuditEvent& event) {
  const std::lock_guard lock(shelf_.mutex);
  MemoryDelivery* const delivery = shelf_.tenants[tenant].alive(id);
  if (delivery == nullptr || !delivery->visible() || !delivery->recipients.contains(recipient)) {
    throw Error(ErrorCode::kNotFound, "there is no such delivery for this device: " + id.text());
  }
  const auto known = delivery->progress.find(recipient);
  if (known != delivery->progress.end() && known->second.opened) {
    if (known->second.opened == receipt) return false;
    throw Error(ErrorCode::kConflict, "this device sent another receipt before: " + id.text());
  }
  shelf_.record(tenant, event);
  progress_of(*delivery, recipient).opened = receipt;
  shelf_.tenants[tenant].notice(NoticeKind::kOpened, id, recipient);
  return true;
}

SentPage MemoryReceipts::sent(TenantId tenant, const Uuid& sender,
                              const std::optional<Uuid>& before, std::size_t limit) {
  const std::lock_guard lock(shelf_.mutex);
  const MemoryTenant& own = shelf_.tenants[tenant];
  SentPage page{{}, false};
  std::size_t bulk = 0;
  auto place = before ? own.deliveries.lower_bound(*before) : own.deliveries.end();
  while (place != own.deliveries.begin()) {
    const MemoryDelivery& delivery = (--place)->second;
    if (delivery.opened.sender != sender) continue;
    page.more = page.deliveries.size() == limit || bulk >= kPageRecords;
    if (page.more) break;
    page.deliveries.push_back(describe(own, delivery));
    bulk += bulk_of(page.deliveries.back());
  }
  return page;
}

std::optional<SentDelivery> MemoryReceipts::find(TenantId tenant, const Uuid& delivery) {
  const std::lock_guard lock(shelf_.mutex);
  const MemoryTenant& own = shelf_.tenants[tenant];
  const auto found = own.deliveries.find(delivery);
  if (found == own.deliveries.end()) return std::nullopt;
  return describe(own, found->second);
}

}  // namespace letterbox::storage
