#include "storage/memory_shelf.h"

#include <utility>

#include "base/error.h"
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
  if (delivery->manifest) {
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
  delivery.state = stored.manifest ? DeliveryState::kClosed : DeliveryState::kOpen;
  delivery.sealed_by_gateway = stored.opened.sealed_by_gateway;
  delivery.created = stored.opened.created;
  delivery.expires = stored.opened.expires;
  delivery.covers = {stored.opened.cover};
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

void MemoryShelf::require_sender(TenantId tenant, const NewDelivery& delivery) {
  if (!directory.principals().find(tenant, delivery.sender)) {
    throw Error(ErrorCode::kNotFound, "the sender is no principal of this tenant");
  }
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
