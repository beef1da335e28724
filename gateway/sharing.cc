#include "gateway/sharing.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "gateway/conditions.h"
#include "gateway/covers.h"
#include "records/cover_chain.h"
#include "records/delivery_headers.h"

namespace letterbox::gateway {

namespace {

storage::Delivery closed(storage::Store& shelf, storage::TenantId tenant, const Uuid& id) {
  std::optional<storage::Delivery> delivery = shelf.deliveries().find(tenant, id);
  if (!delivery || delivery->state != storage::DeliveryState::kClosed) {
    throw Error(ErrorCode::kNotFound, "no such closed delivery");
  }
  return *std::move(delivery);
}

std::uint32_t current_version(const storage::Delivery& delivery) {
  return static_cast<std::uint32_t>(delivery.covers.size());
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
  records::HeadersReader reader(body);
  const records::Envelope envelope = reader.cover();
  const storage::Delivery delivery = closed(shelf, caller.tenant, id);
  if (current_version(delivery) > 1 && delivery.covers.back() == records::to_json(envelope)) {
    read_to_the_end(body);  // or nobody knows whether it is what was signed for
    return;
  }
  if (!lists_tag(if_match, version_tag(current_version(delivery)), TagComparison::kStrong)) {
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
  stage(reader, after, delivery.files.size(), *change);
  require_done(change->commit(new_version(after, maker.handle), records::now(),
                              caller.did(storage::AuditKind::kDeposit, id)));
}

void confirm_version(storage::Store& shelf, const Caller& caller, const Uuid& id,
                     std::uint32_t version) {
  const storage::Delivery delivery = closed(shelf, caller.tenant, id);
  if (version < 2 || version > current_version(delivery)) {
    throw Error(ErrorCode::kConflict, "the delivery hasn't come to this version, or began with it");
  }
  const crypto::X25519Recipient& device = caller.device.value().record.recipient;
  const records::Envelope cover = records::parse_envelope(delivery.covers[version - 1]);
  // Nor may another device of the maker's: one handle could lock everybody else out.
  if (!records::parse_cover(cover.payload).lists(device) ||
      !read_cover(delivery.covers[version - 2]).lists(device) ||
      caller.handle.value().text() == handle_of_maker(shelf, cover)) {
    throw Error(ErrorCode::kNotAllowed, "a version is confirmed by whom it was remade for");
  }
  shelf.sharing().confirm(caller.tenant, id, version, caller.did(storage::AuditKind::kDeposit, id));
}

}  // namespace letterbox::gateway
