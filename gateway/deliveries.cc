#include "gateway/deliveries.h"

#include <sys/random.h>

#include <algorithm>

#include "base/error.h"
#include "gateway/covers.h"
#include "records/manifest.h"

namespace letterbox::gateway {

namespace {

storage::Delivery existing(storage::Store& shelf, storage::TenantId tenant, const Uuid& id) {
  std::optional<storage::Delivery> delivery = shelf.deliveries().find(tenant, id);
  if (!delivery) throw Error(ErrorCode::kNotFound, "no such delivery");
  return *std::move(delivery);
}

void require_open(const storage::Delivery& delivery) {
  if (delivery.state != storage::DeliveryState::kOpen) {
    throw Error(ErrorCode::kConflict, "the delivery is closed");
  }
}

bool same(const records::ManifestEntry& entry, const storage::FileSummary& file) {
  return entry.id == file.id && entry.length == file.payload_length &&
         entry.sha256 == file.payload_sha256;
}

// The ids of `entries`. Throws Error kIntegrity if one of those that were stored is another;
// whether they are the same ones, the store looks.
std::vector<Uuid> checked_ids(const std::vector<records::ManifestEntry>& entries,
                              const std::vector<storage::FileSummary>& stored) {
  std::vector<Uuid> ids;
  for (const records::ManifestEntry& entry : entries) {
    ids.push_back(entry.id);
    const auto found = std::ranges::find(stored, entry.id, &storage::FileSummary::id);
    if (found != stored.end() && !same(entry, *found)) {
      throw Error(ErrorCode::kIntegrity,
                  "the manifest has another length or digest than was stored");
    }
  }
  return ids;
}

}  // namespace

records::Cover draft_cover(const records::Handle& sender, records::SealedBy sealed_by,
                           const std::vector<records::Device>& devices,
                           const std::optional<records::Time>& expires,
                           const Allowance& allowance) {
  const records::Time created = records::now();
  records::Cover cover{.delivery = Uuid::v7(),
                       .version = 1,
                       .previous = std::nullopt,
                       .random = {},
                       .sender = sender,
                       .sealed_by = sealed_by,
                       .created = created,
                       .expires = expires.value_or(created + allowance.life),
                       .recipients = cover_recipients(devices)};
  check_life(allowance, cover.created, cover.expires);
  if (getrandom(cover.random.data(), cover.random.size(), 0) !=
      static_cast<ssize_t>(cover.random.size())) {
    throw Error(ErrorCode::kInternal, "getrandom gave too few bytes");
  }
  return cover;
}

storage::NewDelivery new_delivery(const records::SignedCover& cover, const Caller& caller,
                                  std::uint32_t downloads) {
  std::vector<std::string> recipients;
  recipients.reserve(cover.cover.recipients.size());
  for (const records::CoverRecipient& recipient : cover.cover.recipients) {
    recipients.push_back(recipient.recipient.text());
  }
  return {cover.cover.delivery,
          caller.principal.value(),
          cover.cover.sealed_by == records::SealedBy::kGateway,
          records::to_json(cover.envelope),
          cover.cover.created,
          cover.cover.expires,
          std::move(recipients),
          downloads};
}

void open_delivery(storage::Store& shelf, const crypto::VerifyKey& gateway_key,
                   const Caller& caller, const Uuid& id, const records::Envelope& envelope,
                   const Allowance& allowance, const std::optional<std::uint64_t>& downloads) {
  const crypto::VerifyKey& maker = caller.device.value().record.signing_key;
  const records::SignedCover cover = records::verify_cover(envelope, maker);
  require_names_maker(envelope, maker);
  if (cover.cover.delivery != id || cover.cover.version != 1 ||
      cover.cover.sealed_by != records::SealedBy::kDevice || cover.cover.sender != caller.handle) {
    throw Error(ErrorCode::kCoverMismatch, "the cover isn't the caller's first of this delivery");
  }
  check_life(allowance, cover.cover.created, cover.cover.expires);
  require_made_now(cover.cover);
  require_active({shelf.devices(), caller.tenant, gateway_key}, cover.cover.recipients);
  shelf.deliveries().open(caller.tenant,
                          new_delivery(cover, caller, granted_downloads(allowance, downloads)),
                          caller.did(storage::AuditKind::kDeposit, id));
}

records::SignedCover open_cover(storage::Store& shelf, const crypto::VerifyKey& gateway_key,
                                storage::TenantId tenant, const Uuid& id) {
  const storage::Delivery delivery = existing(shelf, tenant, id);
  require_open(delivery);
  if (delivery.sealed_by_gateway) {
    throw Error(ErrorCode::kConflict, "a delivery is wholly sealed by devices or by the gateway");
  }
  return stored_cover({shelf.devices(), tenant, gateway_key}, delivery.covers.front());
}

void close_delivery(storage::Store& shelf, const Caller& caller, const Uuid& id,
                    const records::Envelope& envelope) {
  const storage::Delivery delivery = existing(shelf, caller.tenant, id);
  const std::string json = records::to_json(envelope);
  if (delivery.manifest == json) return;
  require_open(delivery);
  // One key for cover and manifest: readers take no other (docs/format.md, "Manifest").
  const records::SignedCover cover = records::verify_cover(
      records::parse_envelope(delivery.covers.front()), caller.device.value().record.signing_key);
  const records::Manifest manifest =
      records::verify_manifest(envelope, caller.device->record.signing_key);
  if (manifest.delivery != id || manifest.cover != cover.hash) {
    throw Error(ErrorCode::kCoverMismatch, "the manifest is of another delivery or cover");
  }
  shelf.deliveries().close(caller.tenant, id, json, checked_ids(manifest.files, delivery.files),
                           checked_ids(manifest.indexes, delivery.indexes),
                           caller.did(storage::AuditKind::kDeposit, id));
}

}  // namespace letterbox::gateway
