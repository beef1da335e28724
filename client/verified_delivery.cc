#include "client/verified_delivery.h"

#include <algorithm>

#include "client/terminal.h"
#include "records/cover_chain.h"

namespace letterbox::client {
namespace {

const records::DeviceRecord* find_signer(std::span<const records::DeviceRecord> devices,
                                         const records::Envelope& envelope) {
  const auto found = std::ranges::find_if(devices, [&](const auto& device) {
    return device.signing_key.fingerprint() == envelope.key_id;
  });
  return found == devices.end() ? nullptr : &*found;
}

struct Signer {
  const records::DeviceRecord* device;  ///< null if this device knows none of that key
  MakerStanding standing;
};

// The keyid is a hint, which the signature then confirms or not.
Signer find_signer(const TrustedKeys& trusted, const records::Envelope& envelope) {
  if (const auto* device = find_signer(trusted.devices, envelope))
    return {device, MakerStanding::kKnown};
  return {find_signer(trusted.revoked, envelope), MakerStanding::kRevoked};
}

// Of a later version, which the version before lets them make or not.
Signer find_sharer(const TrustedKeys& trusted, const records::Envelope& envelope) {
  const Signer signer = find_signer(trusted, envelope);
  if (signer.device != nullptr) return signer;
  return {find_signer(trusted.strangers, envelope), MakerStanding::kStranger};
}

bool is_gateways(const TrustedKeys& trusted, const records::Envelope& envelope) {
  return trusted.gateway && trusted.gateway->fingerprint() == envelope.key_id;
}

[[noreturn]] void refuse_stranger(const std::string& key_id, const std::string& who) {
  throw Refused(checks::kCoverSigner, ErrorCode::kUntrustedKey,
                "it is signed by the key " + key_id +
                    ", which this device doesn't know; if you know " + who +
                    ", run letterbox trust and compare fingerprints");
}

// Who may have made the version after this one, for people: the sender and the recipients, but not
// a crowd.
std::string likely_makers(const records::Cover& cover) {
  constexpr std::size_t kMost = 4;
  std::vector<std::string> handles = {cover.sender.text()};
  for (const auto& recipient : cover.recipients)
    if (std::ranges::count(handles, recipient.handle.text()) == 0)
      handles.push_back(recipient.handle.text());
  if (handles.size() > kMost) return "whoever shared it on";
  std::string text;
  for (const std::string& handle : handles) text += (text.empty() ? "" : " or ") + handle;
  return text + ", one of whom shared it on";
}

// What follow() finds, by the names of checks. Each rule that is broken is somebody's doing.
records::SignedCover followed(const VerifiedCover& before, const records::Envelope& envelope,
                              const records::DeviceRecord& maker) {
  const std::string version = "version " + std::to_string(before.cover().version + 1) + ": ";
  try {
    return records::follow(before.signed_cover(), envelope, maker);
  } catch (const Error& error) {
    const bool by_whom =
        error.code() == ErrorCode::kBadSignature || error.code() == ErrorCode::kNotAllowed;
    throw Refused(by_whom ? checks::kCoverChange : checks::kCoverVersions, ErrorCode::kIntegrity,
                  version + error.what());
  }
}

void check_seen(const VerifiedChain& chain, const SeenVersion& seen) {
  if (chain.last().cover().version < seen.version)
    throw Refused(checks::kCoverRollback, ErrorCode::kIntegrity,
                  "its covers end at version " + std::to_string(chain.last().cover().version) +
                      ", and this device has seen version " + std::to_string(seen.version));
  if (chain.all()[seen.version - 1].hash() != seen.hash)
    throw Refused(checks::kCoverRollback, ErrorCode::kIntegrity,
                  "version " + std::to_string(seen.version) + " isn't the one that was seen");
}

}  // namespace

bool VerifiedCover::lists(const crypto::X25519Recipient& recipient) const {
  return cover().lists(recipient);
}

VerifiedChain::VerifiedChain(std::span<const records::Envelope> covers,
                             const TrustedKeys& trusted) {
  if (covers.empty())
    throw Refused(checks::kCoverVersions, ErrorCode::kMalformed, "there is no cover");
  add_first(covers.front(), trusted);
  for (const records::Envelope& cover : covers.subspan(1)) add_next(cover, trusted);
}

void VerifiedChain::add_first(const records::Envelope& envelope, const TrustedKeys& trusted) {
  // Steps 1 and 2. The signer must be somebody whom this device knows.
  const bool by_gateway = is_gateways(trusted, envelope);
  const auto [device, standing] =
      by_gateway ? Signer{nullptr, MakerStanding::kKnown} : find_signer(trusted, envelope);
  if (!by_gateway && device == nullptr) refuse_stranger(envelope.key_id, "the sender");
  const crypto::VerifyKey maker = by_gateway ? *trusted.gateway : device->signing_key;
  VerifiedCover cover(
      checked(checks::kCoverSignature, [&] { return records::verify_cover(envelope, maker); }),
      maker, by_gateway ? std::nullopt : std::optional(device->handle), standing);

  // Step 3, and verify_delivery. Ahead of what only a first version's signer must be.
  if (cover.cover().version != 1)
    throw Refused(checks::kCoverVersions, ErrorCode::kMalformed,
                  "the first cover that came isn't version 1");

  // The signer may sign this: a gateway what it sealed, a device what it sent.
  const bool sealed_by_gateway = cover.cover().sealed_by == records::SealedBy::kGateway;
  if (sealed_by_gateway != by_gateway)
    throw Refused(checks::kCoverSigner, ErrorCode::kBadSignature,
                  by_gateway ? "the gateway signed for what it says a device sealed"
                             : "a device signed for what it says the gateway sealed");
  if (!by_gateway && device->handle != cover.cover().sender)
    throw Refused(checks::kCoverSigner, ErrorCode::kBadSignature,
                  "it names " + cover.cover().sender.text() +
                      " as its sender and is signed by a device of " + device->handle.text());
  covers_.push_back(std::move(cover));
}

void VerifiedChain::add_next(const records::Envelope& envelope, const TrustedKeys& trusted) {
  // Step 3. The gateway shares nothing on: it may have been the one that sealed, and has no say in
  // who else is let in.
  const VerifiedCover& before = last();
  if (is_gateways(trusted, envelope))
    throw Refused(checks::kCoverSigner, ErrorCode::kBadSignature,
                  "the gateway signed a later version, which only people's devices do");
  const auto [device, standing] = find_sharer(trusted, envelope);
  if (device == nullptr) refuse_stranger(envelope.key_id, likely_makers(before.cover()));
  checked(checks::kCoverSignature,
          [&, &key = device->signing_key] { return records::verify_cover(envelope, key); });
  covers_.push_back(VerifiedCover(followed(before, envelope, *device), device->signing_key,
                                  device->handle, standing));
}

const VerifiedCover& VerifiedChain::vouched() const noexcept {
  return *std::find_if_not(covers_.rbegin(), covers_.rend(),
                           [](const VerifiedCover& cover) { return cover.maker_is_stranger(); });
}

std::vector<records::CoverRecipient> VerifiedChain::unvouched() const {
  std::vector<records::CoverRecipient> recipients = last().cover().recipients;
  std::erase_if(recipients, [&](const records::CoverRecipient& recipient) {
    return vouched().lists(recipient.recipient);
  });
  return recipients;
}

std::string sealer_of(const VerifiedChain& chain) {
  if (chain.first().cover().sealed_by == records::SealedBy::kGateway) return "the gateway";
  return chain.first().maker_is_revoked() ? "a device of theirs that has been revoked since"
                                          : "their device";
}

std::vector<std::string> sharers_of(const VerifiedChain& chain) {
  std::vector<std::string> sharers;
  for (const VerifiedCover& cover : std::span(chain.all()).subspan(1)) {
    const std::string sharer = cover.maker_handle()->text() +
                               (cover.maker_is_revoked() ? " (a device that has been revoked since)"
                                : cover.maker_is_stranger() ? " (a device that isn't known here)"
                                                            : "");
    if (std::ranges::count(sharers, sharer) == 0) sharers.push_back(sharer);
  }
  return sharers;
}

records::Manifest verify_manifest(const records::Envelope& envelope, const VerifiedChain& chain) {
  // Step 4.
  const VerifiedCover& cover = chain.first();
  records::Manifest manifest = checked(checks::kManifestSignature, [&] {
    return records::verify_manifest(envelope, cover.maker());
  });
  if (manifest.delivery != cover.cover().delivery)
    throw Refused(checks::kManifestDelivery, ErrorCode::kIntegrity,
                  "it is that of another delivery");
  if (manifest.cover != cover.hash())
    throw Refused(checks::kManifestCover, ErrorCode::kIntegrity, "it names another cover");
  return manifest;
}

VerifiedChain verify_covers(const Uuid& delivery, std::span<const records::Envelope> covers,
                            const TrustedKeys& trusted, const std::optional<SeenVersion>& seen) {
  VerifiedChain chain(covers, trusted);
  if (chain.first().cover().delivery != delivery)
    throw Refused(checks::kCoverDelivery, ErrorCode::kCoverMismatch,
                  "it is that of another delivery");
  if (seen) check_seen(chain, *seen);
  return chain;
}

VerifiedDelivery verify_delivery(const UnverifiedDelivery& delivery, const TrustedKeys& trusted,
                                 const std::optional<SeenVersion>& seen) {
  VerifiedChain chain = verify_covers(delivery.id, delivery.covers, trusted, seen);
  records::Manifest manifest = verify_manifest(delivery.manifest, chain);
  return {std::move(chain), std::move(manifest), delivery.manifest};
}

void check_listed(const VerifiedChain& chain, std::span<const crypto::X25519Recipient> ours) {
  const auto listed = [&](const VerifiedCover& cover) {
    return std::ranges::any_of(ours, [&](const auto& key) { return cover.lists(key); });
  };
  if (listed(chain.last())) return;
  if (std::ranges::any_of(chain.all(), listed))
    throw Refused(checks::kCoverListsUs, ErrorCode::kNoKeyFits,
                  "the delivery was for this device, and isn't any more: its recipients were "
                  "changed by " +
                      joined(sharers_of(chain)));
  throw Refused(checks::kCoverListsUs, ErrorCode::kNoKeyFits,
                "the delivery wasn't sealed for any key that is here");
}

}  // namespace letterbox::client
