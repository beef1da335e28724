#include "gateway/stow/destinations.h"

#include <algorithm>
#include <utility>

#include "crypto/hash.h"
#include "gateway/deliveries.h"
#include "gateway/verified_once.h"

namespace letterbox::gateway::stow {

namespace {

Uuid id_of(const Destination& destination) {
  return destination.cover.cover.delivery;
}

bool is_full(const Destination& destination) {
  return destination.instances + destination.commit.files.size() >= storage::kMaxInstances;
}

// Studies that come at the same time. A cover of a thousand recipients has some 200 KB.
constexpr std::size_t kMostCovers = 64;

// Each request that joins a study reads its cover, which this gateway signed.
records::SignedCover verified_cover(const std::string& envelope, const crypto::VerifyKey& maker) {
  static VerifiedOnce<records::SignedCover> known(kMostCovers);
  crypto::Sha256 sha256;
  sha256.update(maker.bytes());
  sha256.update(as_bytes(envelope));
  return known.get(sha256.finish(),
                   [&] { return records::verify_cover(records::parse_envelope(envelope), maker); });
}

}  // namespace

Destinations::Destinations(const Slot& slot, storage::StudyStore& studies)
    : slot_(slot), studies_(studies) {
  for (const records::Device& device : slot.devices) {
    recipients_.push_back(device.record.recipient.text());
  }
  std::sort(recipients_.begin(), recipients_.end());
}

Destination& Destinations::of(const storage::Mac& study) {
  const auto [place, is_new] = current_.emplace(study, nullptr);
  if (is_new) {
    place->second = &joined_or_opened(study);
  } else if (is_full(*place->second)) {
    place->second = &opened(study, id_of(*place->second));
  }
  return *place->second;
}

Destination& Destinations::joined_or_opened(const storage::Mac& study) {
  const std::optional<storage::JoinableStudy> open = studies_.find_open(slot_.sender.tenant, study);
  if (!open) return opened(study, std::nullopt);
  if (open->recipients != recipients_ || open->instances >= storage::kMaxInstances) {
    return opened(study, open->delivery);
  }
  return joined(study, *open);
}

Destination& Destinations::joined(const storage::Mac& study, const storage::JoinableStudy& open) {
  records::SignedCover cover = verified_cover(open.covers.front(), slot_.gateway_key.verify_key());
  std::vector<crypto::X25519Recipient> keys = cover.cover.keys();
  return all_.emplace_back(Destination{.cover = std::move(cover),
                                       .keys = std::move(keys),
                                       .instances = open.instances,
                                       .commit = {study, open.delivery, {}}});
}

Destination& Destinations::opened(const storage::Mac& study, const std::optional<Uuid>& continues) {
  records::SignedCover cover =
      records::sign_cover(draft_cover(*slot_.sender.handle, records::SealedBy::kGateway,
                                      slot_.devices, std::nullopt, slot_.allowance),
                          slot_.gateway_key);
  std::vector<crypto::X25519Recipient> keys = cover.cover.keys();
  storage::NewStudy opened{new_delivery(cover, slot_.sender, slot_.allowance.downloads),
                           slot_.mailbox.name, slot_.mailbox.closes_after, continues};
  return all_.emplace_back(Destination{.cover = std::move(cover),
                                       .keys = std::move(keys),
                                       .instances = 0,
                                       .commit = {study, std::move(opened), {}}});
}

std::vector<storage::StudyCommit> Destinations::take_commits() {
  std::vector<storage::StudyCommit> commits;
  for (Destination& destination : all_) commits.push_back(std::move(destination.commit));
  all_.clear();
  current_.clear();
  return commits;
}

}  // namespace letterbox::gateway::stow
