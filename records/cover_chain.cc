#include "records/cover_chain.h"

#include <algorithm>
#include <map>
#include <string>

#include "base/error.h"
#include "crypto/random.h"

namespace letterbox::records {

namespace {

const std::string kWhat = "a later cover ";

[[noreturn]] void mismatch(const char* why) {
  throw Error(ErrorCode::kCoverMismatch, kWhat + why);
}

// Rule 2.
void check_succession(const SignedCover& before, const Cover& next) {
  const Cover& last = before.cover;
  if (last.version >= kMaxCoverVersions)
    throw Error(ErrorCode::kConflict, "the delivery has as many covers as it may have");
  if (next.delivery != last.delivery) mismatch("is of another delivery");
  if (next.sender != last.sender || next.sealed_by != last.sealed_by)
    mismatch("says otherwise who sent the delivery, or where it was sealed");
  if (next.expires != last.expires) mismatch("expires at another time");
  if (next.version != last.version + 1) mismatch("isn't the next version");
  if (next.previous != before.hash) mismatch("names another one as the version before");
  if (next.created < last.created) mismatch("is older than the version before");
  if (next.random == last.random) mismatch("has the random bytes of the version before");
}

bool is_senders(const DeviceRecord& maker, const Cover& cover) {
  return maker.handle == cover.sender;
}

// By handle and key both: a device record proves that its maker holds the signing key, and doesn't
// prove that they hold the age key. With that alone, anybody could pass for a recipient by a record
// of their own that names the recipient's public key.
bool is_recipient(const DeviceRecord& maker, const Cover& cover) {
  return std::ranges::any_of(cover.recipients, [&](const CoverRecipient& recipient) {
    return recipient.handle == maker.handle && recipient.recipient == maker.recipient;
  });
}

// Rules 4 to 6.
void check_change(const Cover& last, const Cover& next, const DeviceRecord& maker) {
  std::map<crypto::X25519Recipient, Handle> gone;
  for (const CoverRecipient& recipient : last.recipients)
    gone.emplace(recipient.recipient, recipient.handle);
  bool adds = false;
  for (const CoverRecipient& recipient : next.recipients) {
    const auto known = gone.find(recipient.recipient);
    if (known == gone.end()) {
      adds = true;
      continue;
    }
    if (known->second != recipient.handle) mismatch("gives a recipient's key another handle");
    gone.erase(known);
  }
  if (!adds && gone.empty())
    throw Error(ErrorCode::kConflict, kWhat + "lists the same recipients as the version before");
  if (is_senders(maker, last)) return;
  for (const auto& [key, handle] : gone) {
    if (handle != maker.handle)
      throw Error(ErrorCode::kNotAllowed,
                  kWhat + "drops somebody whom only they and the sender may drop");
  }
}

}  // namespace

SignedCover follow(const SignedCover& before, const Envelope& next, const DeviceRecord& maker) {
  SignedCover cover = verify_cover(next, maker.signing_key);
  check_succession(before, cover.cover);
  if (!is_senders(maker, before.cover) && !is_recipient(maker, before.cover))
    throw Error(ErrorCode::kBadSignature,
                kWhat + "is signed by a device of neither the sender nor a recipient");
  check_change(before.cover, cover.cover, maker);
  return cover;
}

Cover next_cover(const SignedCover& before, std::vector<CoverRecipient> recipients, Time now) {
  Cover next = before.cover;
  ++next.version;
  next.previous = before.hash;
  crypto::fill_random(next.random);
  next.created = std::max(now, before.cover.created);
  next.recipients = std::move(recipients);
  return next;
}

}  // namespace letterbox::records
