#include "storage/memory_shelf.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "storage/lifetimes.h"
#include "storage/study_check.h"

namespace letterbox::storage {

void MemoryTenant::require_new(const NewDelivery& delivery) const {
  if (deliveries.contains(delivery.id)) {
    throw Error(ErrorCode::kConflict, "a delivery has this id already: " + delivery.id.text());
  }
}

void MemoryTenant::require_free(const Uuid& file) const {
  if (files.contains(file)) {
    throw Error(ErrorCode::kConflict, "a file has this id already: " + file.text());
  }
}

MemoryDelivery& MemoryTenant::open(const NewDelivery& delivery) {
  MemoryDelivery& opened = deliveries[delivery.id];
  opened.opened = delivery;
  opened.covers = {delivery.cover};
  opened.recipients.insert(delivery.recipients.begin(), delivery.recipients.end());
  return opened;
}

MemoryDelivery* MemoryTenant::alive(const Uuid& id) {
  const auto found = deliveries.find(id);
  return found != deliveries.end() && found->second.alive() ? &found->second : nullptr;
}

MemoryDelivery& MemoryTenant::still_open(const Uuid& id) {
  MemoryDelivery* const delivery = alive(id);
  if (delivery == nullptr) {
    throw Error(ErrorCode::kNotFound, "there is no such delivery, or it has expired: " + id.text());
  }
  if (delivery->state != DeliveryState::kOpen) {
    throw Error(ErrorCode::kConflict, "the delivery is closed already: " + id.text());
  }
  return *delivery;
}

const MemoryFile* MemoryTenant::visible(const Uuid& file) const {
  const auto found = files.find(file);
  if (found == files.end()) return nullptr;
  return deliveries.at(found->second.record.delivery).visible() ? &found->second : nullptr;
}

Delivery MemoryTenant::describe(const MemoryDelivery& stored) const {
  Delivery delivery;
  delivery.id = stored.opened.id;
  delivery.sender = stored.opened.sender;
  delivery.state = stored.state;
  delivery.sealed_by_gateway = stored.opened.sealed_by_gateway;
  delivery.created = stored.opened.created;
  delivery.expires = stored.opened.expires;
  delivery.downloads = stored.opened.downloads;
  delivery.covers = stored.covers;
  delivery.manifest = stored.manifest;
  for (const Uuid& id : stored.files) {
    const MemoryFile& file = files.at(id);
    delivery.files.push_back({id, file.record.payload_length, file.record.payload_sha256});
    if (file.index != nullptr) delivery.indexes.push_back(file.index->summary);
  }
  return delivery;
}

void MemoryTenant::put(MemoryFile file) {
  const Uuid id = file.record.id;
  deliveries.at(file.record.delivery).files.insert(id);
  files.emplace(id, std::move(file));
}

std::uint64_t size_of(const FileRecord& file, const MemoryIndex* index) {
  return file.payload_length + (index != nullptr ? index->summary.payload_length : 0);
}

std::uint64_t room_of(const FileRecord& file, const MemoryIndex* index) {
  return size_of(file, index) + file.header.size() + (index != nullptr ? index->header.size() : 0);
}

std::uint64_t MemoryTenant::used() const {
  std::uint64_t bytes = reserved;
  for (const auto& [id, file] : files) bytes += room_of(file.record, file.index.get());
  for (const auto& [id, delivery] : deliveries) {
    for (const auto& [version, former] : delivery.former) {
      for (const auto& [file, headers] : former.headers) {
        bytes += headers.header.size() + (headers.index ? headers.index->size() : 0);
      }
    }
  }
  for (const auto& [id, upload] : uploads) {
    if (!upload.upload.complete()) bytes += upload.upload.made.length;
  }
  return bytes;
}

void MemoryTenant::remove(Uuid file) {
  const auto found = files.find(file);
  MemoryDelivery& delivery = deliveries.at(found->second.record.delivery);
  delivery.files.erase(file);
  for (auto& [version, former] : delivery.former) former.headers.erase(file);
  std::erase_if(downloads, [&](const auto& one) { return one.first.first == file; });
  files.erase(found);
}

void MemoryTenant::drop_uploads(const Uuid& delivery, bool complete_ones_too) {
  std::erase_if(uploads, [&](const auto& one) {
    const Upload& upload = one.second.upload;
    return upload.made.delivery == delivery && (complete_ones_too || !upload.complete());
  });
}

void MemoryTenant::end(MemoryDelivery& delivery, DeliveryState state,
                       std::chrono::sys_seconds now) {
  if (!has_ended(delivery.state)) {
    delivery.final_files = delivery.files.size();
    for (const Uuid& id : delivery.files) {
      const MemoryFile& file = files.at(id);
      delivery.final_bytes += size_of(file.record, file.index.get());
    }
    while (!delivery.files.empty()) remove(*delivery.files.begin());
    drop_uploads(delivery.opened.id, true);
    delivery.former.clear();
    delivery.study.reset();
  }
  if (delivery.state == DeliveryState::kClosed) {
    notice(state == DeliveryState::kRevoked ? NoticeKind::kRevoked : NoticeKind::kExpired,
           delivery.opened.id);
  }
  delivery.state = state;
  delivery.ended = now;
}

void MemoryTenant::close(MemoryDelivery& delivery, const std::string& manifest) {
  delivery.manifest = manifest;
  delivery.state = DeliveryState::kClosed;
  if (delivery.study) delivery.study->joinable = false;
  drop_uploads(delivery.opened.id, false);
  notice(NoticeKind::kDelivered, delivery.opened.id);
}

void MemoryTenant::notice(NoticeKind kind, const Uuid& delivery,
                          const std::optional<std::string>& recipient) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  notices.push_back({{0, Uuid::v7(), kind, now, delivery, recipient}});
}

void MemoryShelf::require_sender(TenantId tenant, const NewDelivery& delivery) {
  if (!directory.principals().find(tenant, delivery.sender)) {
    throw Error(ErrorCode::kNotFound, "the sender is no principal of this tenant");
  }
}

void MemoryShelf::require_room(TenantId tenant, std::uint64_t more) {
  const auto quota = directory.tenants().limits(tenant).quota;
  if (quota && tenants[tenant].used() + more > *quota) {
    throw Error(ErrorCode::kQuotaExceeded, "over the tenant's quota");
  }
}

MemoryReservation::~MemoryReservation() {
  if (bytes_ == 0) return;
  const std::lock_guard lock(shelf_.mutex);
  release();
}

void MemoryReservation::grow_to(std::uint64_t bytes) {
  const std::lock_guard lock(shelf_.mutex);
  shelf_.require_room(tenant_, bytes - bytes_);
  shelf_.tenants[tenant_].reserved += bytes - bytes_;
  bytes_ = bytes;
}

void MemoryReservation::release() {
  shelf_.tenants[tenant_].reserved -= bytes_;
  bytes_ = 0;
}

namespace {

// Whether it is over and nobody said so yet.
bool has_lapsed(const MemoryTenant& own, const MemoryDelivery& delivery,
                std::chrono::sys_seconds now) {
  if (has_ended(delivery.state)) return false;
  if (delivery.opened.expires <= now) return true;
  if (delivery.state != DeliveryState::kOpen || delivery.opened.sealed_by_gateway ||
      delivery.opened.created + kNeverClosed > now) {
    return false;
  }
  if (std::any_of(delivery.files.begin(), delivery.files.end(), [&](const Uuid& file) {
        return own.files.at(file).stored + kNeverClosed > now;
      })) {
    return false;
  }
  return std::none_of(own.uploads.begin(), own.uploads.end(), [&](const auto& one) {
    const Upload& upload = one.second.upload;
    return upload.made.delivery == delivery.opened.id && upload.expires > now;
  });
}

}  // namespace

Lapsed MemoryShelf::sweep(std::chrono::sys_seconds now, std::size_t limit) {
  Lapsed lapsed;
  const auto take = [limit](std::uint64_t& taken, bool is_due) {
    if (!is_due || taken >= limit) return false;
    ++taken;
    return true;
  };
  for (auto& [tenant, own] : tenants) {
    for (auto& [id, delivery] : own.deliveries) {
      if (take(lapsed.deliveries, has_lapsed(own, delivery, now))) {
        record(tenant, {.kind = AuditKind::kExpiry, .object = id});
        own.end(delivery, DeliveryState::kExpired, now);
      }
      std::erase_if(delivery.former, [&](const auto& one) {
        return one.first > 1 &&
               take(lapsed.former_versions, one.second.since + kFormerVersionKept <= now);
      });
    }
    std::erase_if(own.uploads, [&](const auto& one) {
      return take(lapsed.uploads, one.second.upload.expires <= now);
    });
    drop_notices(tenant, now, lapsed.notices, limit);
    std::erase_if(own.deliveries, [&](const auto& one) {
      const auto& ended = one.second.ended;
      return take(lapsed.forgotten, ended && *ended + kEndedKept <= now);
    });
  }
  return lapsed;
}

void MemoryShelf::drop_notices(TenantId tenant, std::chrono::sys_seconds now,
                               std::uint64_t& dropped, std::size_t limit) {
  MemoryTenant& own = tenants.at(tenant);
  std::erase_if(own.notices, [&](const MemoryNotice& one) {
    if (one.notice.at + kNoticesKept > now || dropped >= limit) return false;
    const AuditEvent given_up = {.kind = AuditKind::kAdministration,
                                 .outcome = AuditOutcome::kFailure,
                                 .object = one.notice.id};
    if (own.webhook && own.webhook->second.told < one.notice.place) record(tenant, given_up);
    for (const auto& [principal, by_mail] : one.readers) {
      const auto mail = own.mail.find(principal);
      if (by_mail && mail != own.mail.end() && mail->second.second.told < one.notice.place) {
        record(tenant, given_up);
      }
    }
    ++dropped;
    return true;
  });
}

std::shared_ptr<const MemoryIndex> memory_index(const Uuid& file, const SealedIndex* index) {
  if (index == nullptr) return nullptr;
  require_sound(*index);
  const IndexPayload& payload = index->payload;
  const ByteView row = payload.row.view();
  return std::make_shared<const MemoryIndex>(MemoryIndex{
      index->header,
      payload.nonce,
      {row.begin(), row.end()},
      {file, length_of(payload), payload.sha256},
  });
}

}  // namespace letterbox::storage
