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

// The signer of a record is found by its key id, which is only a hint: the signature is then
// checked with that key, and the key is one that the directory gives to the sender and nobody else.
records::SignedCover verify_senders_cover(storage::DeviceStore& directory,
                                          const records::Envelope& envelope) {
  const records::Cover claimed = records::parse_cover(envelope.payload);
  return records::verify_cover(envelope,
                               signer(directory, claimed.sender, envelope.key_id).signing_key);
}

storage::Delivery existing(storage::Store& shelf, const Uuid& id) {
  std::optional<storage::Delivery> delivery = shelf.deliveries().find(storage::kGateway, id);
  if (!delivery) throw Error(ErrorCode::kNotFound, "no such delivery");
  if (delivery->state != storage::DeliveryState::kOpen) {
    throw Error(ErrorCode::kConflict, "the delivery is closed");
  }
  return *std::move(delivery);
}

records::SignedCover cover_of(storage::Store& shelf, const storage::Delivery& delivery) {
  return verify_senders_cover(shelf.devices(), records::parse_envelope(delivery.covers.front()));
}

bool same(const records::ManifestEntry& entry, const storage::FileSummary& file) {
  return entry.id == file.id && entry.length == file.payload_length &&
         entry.sha256 == file.payload_sha256;
}

}  // namespace

records::Cover draft_cover(const records::Handle& sender, records::SealedBy sealed_by,
                           const std::vector<KnownDevice>& devices,
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

Uuid sender_of(storage::Store& shelf, const records::Cover& cover) {
  storage::PrincipalStore& principals = shelf.principals();
  const std::string handle = cover.sender.text();
  if (const auto known = principals.find_handle(storage::kGateway, handle)) return known->id;
  try {
    return principals.make(storage::kGateway, handle, storage::PrincipalKind::kPerson, kDeposit).id;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kConflict) throw;
    return principals.find_handle(storage::kGateway, handle).value().id;  // another made it
  }
}

storage::NewDelivery new_delivery(const records::SignedCover& cover, const Uuid& sender) {
  std::vector<std::string> recipients;
  recipients.reserve(cover.cover.recipients.size());
  for (const records::CoverRecipient& recipient : cover.cover.recipients) {
    recipients.push_back(recipient.recipient.text());
  }
  return {cover.cover.delivery,
          sender,
          cover.cover.sealed_by == records::SealedBy::kGateway,
          records::to_json(cover.envelope),
          cover.cover.created,
          cover.cover.expires,
          std::move(recipients)};
}

void open_delivery(storage::Store& shelf, const Uuid& id, const records::Envelope& envelope) {
  const records::SignedCover cover = verify_senders_cover(shelf.devices(), envelope);
  if (cover.cover.delivery != id || cover.cover.version != 1 ||
      cover.cover.sealed_by != records::SealedBy::kDevice) {
    throw Error(ErrorCode::kCoverMismatch, "the cover isn't the first of this delivery");
  }
  check_life(cover.cover.created, cover.cover.expires);
  const records::Time now = records::now();
  if (cover.cover.created > now + kClockSkew || cover.cover.created < now - std::chrono::days{1}) {
    throw Error(ErrorCode::kMalformed, "the cover's time isn't now; is a clock wrong?");
  }
  for (const records::CoverRecipient& recipient : cover.cover.recipients) {
    const auto device =
        shelf.devices().find_recipient(storage::kGateway, recipient.recipient.text());
    if (!device || device->handle != recipient.handle.text()) {
      throw Error(ErrorCode::kUnknownRecipient,
                  "the cover lists a device that isn't in the directory");
    }
  }
  shelf.deliveries().open(storage::kGateway, new_delivery(cover, sender_of(shelf, cover.cover)),
                          kDeposit);
}

records::SignedCover open_cover(storage::Store& shelf, const Uuid& id) {
  const storage::Delivery delivery = existing(shelf, id);
  if (delivery.sealed_by_gateway) {
    throw Error(ErrorCode::kConflict, "a delivery is wholly sealed by devices or by the gateway");
  }
  return cover_of(shelf, delivery);
}

void close_delivery(storage::Store& shelf, const Uuid& id, const records::Envelope& envelope) {
  const storage::Delivery delivery = existing(shelf, id);
  const records::SignedCover cover = cover_of(shelf, delivery);
  const records::DeviceRecord sender = signer(shelf.devices(), cover.cover.sender, envelope.key_id);
  const records::Manifest manifest = records::verify_manifest(envelope, sender.signing_key);
  if (manifest.delivery != id || manifest.cover != cover.hash) {
    throw Error(ErrorCode::kCoverMismatch, "the manifest is of another delivery or cover");
  }
  std::vector<Uuid> ids;
  for (const records::ManifestEntry& entry : manifest.files) {
    ids.push_back(entry.id);
    const auto file = std::find_if(delivery.files.begin(), delivery.files.end(),
                                   [&](const auto& stored) { return stored.id == entry.id; });
    if (file != delivery.files.end() && !same(entry, *file)) {
      throw Error(ErrorCode::kIntegrity,
                  "the manifest has another length or digest than was stored");
    }
  }
  shelf.deliveries().close(storage::kGateway, id, records::to_json(envelope), ids, kDeposit);
}

}  // namespace letterbox::gateway
