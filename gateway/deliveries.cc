#include "gateway/deliveries.h"

#include <sys/random.h>

#include <algorithm>

#include "base/error.h"
#include "records/manifest.h"

namespace letterbox::gateway {

namespace {

// A cover may be signed a little before it is sent; clocks of two machines differ.
constexpr std::chrono::minutes kClockSkew{5};

void check_life(const records::Time& created, const records::Time& expires) {
  if (expires <= created || expires > created + kLongestLife) {
    throw Error(ErrorCode::kMalformed, "a delivery expires after it was made and within a year");
  }
}

// The cover as it was stored. Its signer may have been revoked since: what a device signed before
// stays what it was.
records::SignedCover stored_cover(storage::Store& shelf, storage::TenantId tenant,
                                  const storage::Delivery& delivery) {
  const records::Envelope envelope = records::parse_envelope(delivery.covers.front());
  const auto signer = shelf.devices().find_key(envelope.key_id);
  const auto key = signer && signer->tenant == tenant
                       ? crypto::VerifyKey::parse(signer->device.signing_key)
                       : std::nullopt;
  if (!key)
    throw Error(ErrorCode::kInternal, "the signer of a stored cover isn't in the directory");
  return records::verify_cover(envelope, *key);
}

storage::Delivery existing(storage::Store& shelf, storage::TenantId tenant, const Uuid& id) {
  std::optional<storage::Delivery> delivery = shelf.deliveries().find(tenant, id);
  if (!delivery) throw Error(ErrorCode::kNotFound, "no such delivery");
  if (delivery->state != storage::DeliveryState::kOpen) {
    throw Error(ErrorCode::kConflict, "the delivery is closed");
  }
  return *std::move(delivery);
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
                           const std::optional<records::Time>& expires) {
  const records::Time created = records::now();
  records::Cover cover{.delivery = Uuid::v7(),
                       .version = 1,
                       .previous = std::nullopt,
                       .random = {},
                       .sender = sender,
                       .sealed_by = sealed_by,
                       .created = created,
                       .expires = expires.value_or(created + kDefaultLife),
                       .recipients = cover_recipients(devices)};
  check_life(cover.created, cover.expires);
  if (getrandom(cover.random.data(), cover.random.size(), 0) !=
      static_cast<ssize_t>(cover.random.size())) {
    throw Error(ErrorCode::kInternal, "getrandom gave too few bytes");
  }
  return cover;
}

storage::NewDelivery new_delivery(const records::SignedCover& cover, const Caller& caller) {
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
          std::move(recipients)};
}

void open_delivery(storage::Store& shelf, const crypto::VerifyKey& gateway_key,
                   const Caller& caller, const Uuid& id, const records::Envelope& envelope) {
  const records::SignedCover cover =
      records::verify_cover(envelope, caller.device.value().record.signing_key);
  if (cover.cover.delivery != id || cover.cover.version != 1 ||
      cover.cover.sealed_by != records::SealedBy::kDevice || cover.cover.sender != caller.handle) {
    throw Error(ErrorCode::kCoverMismatch, "the cover isn't the caller's first of this delivery");
  }
  check_life(cover.cover.created, cover.cover.expires);
  const records::Time now = records::now();
  if (cover.cover.created > now + kClockSkew || cover.cover.created < now - std::chrono::days{1}) {
    throw Error(ErrorCode::kMalformed, "the cover's time isn't now; is a clock wrong?");
  }
  std::vector<std::string> keys;
  for (const auto& recipient : cover.cover.recipients) keys.push_back(recipient.recipient.text());
  // None is twice in a cover, so these are the devices one by one.
  const std::vector<records::Device> devices =
      resolve({shelf.devices(), caller.tenant, gateway_key}, keys);
  for (std::size_t i = 0; i < devices.size(); ++i) {
    if (devices[i].record.handle != cover.cover.recipients[i].handle) {
      throw Error(ErrorCode::kUnknownRecipient, "the cover lists a device under another handle");
    }
  }
  shelf.deliveries().open(caller.tenant, new_delivery(cover, caller),
                          caller.did(storage::AuditKind::kDeposit, id));
}

records::SignedCover open_cover(storage::Store& shelf, storage::TenantId tenant, const Uuid& id) {
  const storage::Delivery delivery = existing(shelf, tenant, id);
  if (delivery.sealed_by_gateway) {
    throw Error(ErrorCode::kConflict, "a delivery is wholly sealed by devices or by the gateway");
  }
  return stored_cover(shelf, tenant, delivery);
}

void close_delivery(storage::Store& shelf, const Caller& caller, const Uuid& id,
                    const records::Envelope& envelope) {
  const storage::Delivery delivery = existing(shelf, caller.tenant, id);
  // One key for cover and manifest: readers take no other (docs/format.md, "Manifest").
  const records::SignedCover cover = records::verify_cover(
      records::parse_envelope(delivery.covers.front()), caller.device.value().record.signing_key);
  const records::Manifest manifest =
      records::verify_manifest(envelope, caller.device->record.signing_key);
  if (manifest.delivery != id || manifest.cover != cover.hash) {
    throw Error(ErrorCode::kCoverMismatch, "the manifest is of another delivery or cover");
  }
  shelf.deliveries().close(caller.tenant, id, records::to_json(envelope),
                           checked_ids(manifest.files, delivery.files),
                           checked_ids(manifest.indexes, delivery.indexes),
                           caller.did(storage::AuditKind::kDeposit, id));
}

}  // namespace letterbox::gateway
