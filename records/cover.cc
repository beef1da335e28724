#include "records/cover.h"

#include <algorithm>
#include <limits>
#include <set>

#include "crypto/hash.h"
#include "records/json.h"

namespace letterbox::records {

namespace {

const std::string kWhat = "the cover";

std::optional<SealedBy> parse_sealed_by(std::string_view text) {
  for (const SealedBy sealed_by : {SealedBy::kDevice, SealedBy::kGateway}) {
    if (text == to_text(sealed_by)) return sealed_by;
  }
  return std::nullopt;
}

CoverRecipient parse_recipient(const Json& json) {
  const Members recipient(json, kWhat + "'s recipient", {"handle", "recipient", "log_index"});
  return {.handle = recipient.parsed("handle", Handle::parse),
          .recipient = recipient.parsed("recipient", crypto::X25519Recipient::parse),
          .log_index = recipient.integer_or_null("log_index")};
}

void check(const Cover& cover) {
  if ((cover.version == 1) == cover.previous.has_value()) {
    refuse(kWhat, "must name the version before it, and version 1 none");
  }
  if (cover.expires <= cover.created) refuse(kWhat, "expires before it begins");
  if (cover.recipients.empty()) refuse(kWhat, "lists no recipient");
  if (cover.recipients.size() > kMaxRecipients) refuse(kWhat, "lists more than 1000 recipients");
  std::set<crypto::X25519Recipient> keys;
  for (const auto& recipient : cover.recipients) {
    if (!keys.insert(recipient.recipient).second) refuse(kWhat, "lists an age key twice");
  }
}

}  // namespace

std::string_view to_text(SealedBy sealed_by) noexcept {
  switch (sealed_by) {
    case SealedBy::kDevice:
      return "device";
    case SealedBy::kGateway:
      return "gateway";
  }
  return "";
}

std::vector<crypto::X25519Recipient> Cover::keys() const {
  std::vector<crypto::X25519Recipient> keys;
  keys.reserve(recipients.size());
  for (const auto& recipient : recipients) keys.push_back(recipient.recipient);
  return keys;
}

bool Cover::lists(const crypto::X25519Recipient& key) const {
  return std::ranges::count(recipients, key, &CoverRecipient::recipient) > 0;
}

Bytes cover_bytes(const Cover& cover) {
  OrderedJson json;
  json["delivery"] = cover.delivery.text();
  json["version"] = cover.version;
  json["previous"] = cover.previous ? OrderedJson(to_base64(*cover.previous)) : OrderedJson();
  json["random"] = to_base64(cover.random);
  json["sender"] = cover.sender.text();
  json["sealed_by"] = to_text(cover.sealed_by);
  json["created"] = to_text(cover.created);
  json["expires"] = to_text(cover.expires);
  json["recipients"] = OrderedJson::array();
  for (const auto& recipient : cover.recipients) {
    OrderedJson entry;
    entry["handle"] = recipient.handle.text();
    entry["recipient"] = recipient.recipient.text();
    entry["log_index"] = recipient.log_index ? OrderedJson(*recipient.log_index) : OrderedJson();
    json["recipients"].push_back(std::move(entry));
  }
  const std::string text = to_text(json);
  return {text.begin(), text.end()};
}

Cover parse_cover(ByteView bytes) {
  const Json json = parse_json(as_text(bytes), kWhat);
  const Members members(json, kWhat,
                        {"delivery", "version", "previous", "random", "sender", "sealed_by",
                         "created", "expires", "recipients"});
  Cover cover{.delivery = members.parsed("delivery", Uuid::parse),
              .version = static_cast<std::uint32_t>(
                  members.integer("version", 1, std::numeric_limits<std::uint32_t>::max())),
              .previous = members.parsed_or_null("previous", array_from_base64<32>),
              .random = members.parsed("random", array_from_base64<16>),
              .sender = members.parsed("sender", Handle::parse),
              .sealed_by = members.parsed("sealed_by", parse_sealed_by),
              .created = members.parsed("created", parse_time),
              .expires = members.parsed("expires", parse_time),
              .recipients = {}};
  for (const Json& recipient : members.array("recipients")) {
    cover.recipients.push_back(parse_recipient(recipient));
  }
  check(cover);
  return cover;
}

crypto::CoverHash cover_hash(ByteView cover_bytes) {
  return crypto::sha256(cover_bytes);
}

SignedCover sign_cover(const Cover& cover, const crypto::SigningKey& maker) {
  const Bytes bytes = cover_bytes(cover);
  // Read back before signing, so that nothing is signed which a reader would refuse.
  return {.cover = parse_cover(bytes),
          .hash = cover_hash(bytes),
          .envelope = sign(kCoverType, bytes, maker)};
}

SignedCover verify_cover(const Envelope& envelope, const crypto::VerifyKey& maker) {
  const Bytes& bytes = verify(envelope, kCoverType, maker);
  return {.cover = parse_cover(bytes), .hash = cover_hash(bytes), .envelope = envelope};
}

}  // namespace letterbox::records
