#include "gateway/sharing.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "gateway/conditions.h"
#include "gateway/covers.h"
#include "records/cover_chain.h"
#include "records/delivery_headers.h"

namespace letterbox::gateway {

namespace {

// One who changes the recipients of a delivery again, while their change before is still coming,
// piles up headers; of each person one is enough, and nobody's keeps the sender from theirs.
class Turn {
 public:
  Turn(const Uuid& delivery, const Uuid& principal) : of_(delivery, principal) {
    const std::lock_guard lock(mutex());
    if (!taken().insert(of_).second) {
      throw Error(ErrorCode::kLocked, "a change by the same person is still coming");
    }
  }
  ~Turn() {
    const std::lock_guard lock(mutex());
    taken().erase(of_);
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  using Key = std::pair<Uuid, Uuid>;
  static std::mutex& mutex() {
    static std::mutex mutex;
    return mutex;
  }
  static std::set<Key>& taken() {
    static std::set<Key> taken;
    return taken;
  }
  const Key of_;
};

// The version that a closed delivery has come to.
std::uint32_t current_version(storage::Store& shelf, storage::TenantId tenant, const Uuid& id) {
  const std::optional<storage::Audience> audience = shelf.deliveries().audience(tenant, id);
  if (!audience || audience->state != storage::DeliveryState::kClosed) {
    throw Error(ErrorCode::kNotFound, "no such closed delivery");
  }
  return audience->version;
}

storage::DeliveryPart part_of(storage::Store& shelf, storage::TenantId tenant, const Uuid& id,
                              const std::vector<std::uint32_t>& versions) {
  auto part = shelf.deliveries().part(tenant, id, versions);
  if (!part) throw Error(ErrorCode::kNotFound, "the delivery went away meanwhile");
  return *std::move(part);
}

std::vector<records::CoverRecipient> added(const records::Cover& before,
                                           const records::Cover& after) {
  std::vector<records::CoverRecipient> recipients = after.recipients;
  std::erase_if(recipients, [&](const records::CoverRecipient& recipient) {
    return before.lists(recipient.recipient);
  });
  return recipients;
}

storage::NewVersion new_version(const records::SignedCover& cover, const records::Handle& maker) {
  storage::NewVersion version{
      cover.cover.version, records::to_json(cover.envelope), {}, maker == cover.cover.sender};
  for (const records::CoverRecipient& recipient : cover.cover.recipients) {
    version.recipients.push_back(recipient.recipient.text());
  }
  return version;
}

// No more files than the delivery has: whether they are the same ones, the store looks.
void stage(records::HeadersReader& reader, const records::SignedCover& cover, std::size_t files,
           storage::RecipientChange& change) {
  while (auto headers = reader.next(cover.hash, cover.cover.recipients.size())) {
    if (files-- == 0) {
      throw Error(ErrorCode::kCoverMismatch, "headers of more files than the delivery has");
    }
    std::optional<Bytes> index;
    if (!headers->index_header.empty()) index = std::move(headers->index_header);
    change.add(headers->file, {std::move(headers->header), std::move(index)});
  }
}

void require_done(storage::SwapOutcome outcome) {
  switch (outcome) {
    case storage::SwapOutcome::kDone:
    case storage::SwapOutcome::kDoneBefore:
      return;
    case storage::SwapOutcome::kOtherVersion:
      throw Error(ErrorCode::kPreconditionFailed, "another change was quicker");
    case storage::SwapOutcome::kTooManyKept:
      throw Error(ErrorCode::kConflict, "too many versions that nobody confirmed");
    case storage::SwapOutcome::kOtherFiles:
      throw Error(ErrorCode::kCoverMismatch, "the headers aren't those of the delivery's files");
  }
}

// No version but the first is the gateway's.
std::string handle_of_maker(storage::Store& shelf, const records::Envelope& cover) {
  const auto maker = shelf.devices().find_key(cover.key_id);
  if (!maker) throw Error(ErrorCode::kInternal, "the maker of a cover isn't in the directory");
  return maker->device.handle;
}

void read_to_the_end(Source& body) {
  while (!body.next().empty()) {
  }
}

}  // namespace

void change_recipients(storage::Store& shelf, const crypto::VerifyKey& gateway_key,
                       const Caller& caller, const Uuid& id, std::string_view if_match,
                       Source& body) {
  const Turn turn(id, caller.principal.value());
  records::HeadersReader reader(body);
  const records::Envelope envelope = reader.cover();
  const std::uint32_t current = current_version(shelf, caller.tenant, id);
  const storage::DeliveryPart delivery = part_of(shelf, caller.tenant, id, {current});
  if (current > 1 && delivery.covers.back() == records::to_json(envelope)) {
    read_to_the_end(body);  // or nobody knows whether it is what was signed for
    return;
  }
  if (!lists_tag(if_match, version_tag(current), TagComparison::kStrong)) {
    throw Error(ErrorCode::kPreconditionFailed, "a change of another version than the current one");
  }
  const Directory directory{shelf.devices(), caller.tenant, gateway_key};
  const records::DeviceRecord& maker = caller.device.value().record;
  const records::SignedCover before = stored_cover(directory, delivery.covers.back());
  const records::SignedCover after = records::follow(before, envelope, maker);
  require_names_maker(envelope, maker.signing_key);
  require_made_now(after.cover);
  require_active(directory, added(before.cover, after.cover));

  const std::unique_ptr<storage::RecipientChange> change = shelf.sharing().begin(caller.tenant, id);
  stage(reader, after, delivery.files, *change);
  require_done(change->commit(new_version(after, maker.handle), records::now(),
                              caller.did(storage::AuditKind::kSharing, id)));
}

void confirm_version(storage::Store& shelf, const Caller& caller, const Uuid& id,
                     std::uint32_t version) {
  if (version < 2 || version > current_version(shelf, caller.tenant, id)) {
    throw Error(ErrorCode::kConflict, "the delivery hasn't come to this version, or began with it");
  }
  const crypto::X25519Recipient& device = caller.device.value().record.recipient;
  const storage::DeliveryPart delivery = part_of(shelf, caller.tenant, id, {version - 1, version});
  const records::Envelope cover = records::parse_envelope(delivery.covers[1]);
  // Nor may another device of the maker's: one handle could lock everybody else out.
  if (!records::parse_cover(cover.payload).lists(device) ||
      !read_cover(delivery.covers[0]).lists(device) ||
      caller.handle.value().text() == handle_of_maker(shelf, cover)) {
    throw Error(ErrorCode::kNotAllowed, "a version is confirmed by whom it was remade for");
  }
  shelf.sharing().confirm(caller.tenant, id, version, caller.did(storage::AuditKind::kSharing, id));
}

}  // namespace letterbox::gateway
