// The gateway's JSON answers (docs/api/README.md), read into values. Members that we don't know are
// passed over; what we need must be there and in its form: Error kMalformed otherwise. Nothing in
// them is verified.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/uuid.h"
#include "client/verified_delivery.h"
#include "records/devices.h"
#include "records/dsse.h"
#include "records/handle.h"
#include "records/time.h"

namespace letterbox::client {

/// POST /v1/deliveries.
struct DraftAnswer {
  Uuid delivery;
  Bytes cover;  ///< to be read, judged and then signed
};
DraftAnswer parse_draft_answer(std::string_view json);

/// What the gateway stored: length and digest of nonce and chunks.
struct StoredAnswer {
  Uuid file;
  std::uint64_t length;
  Digest sha256;
};
StoredAnswer parse_stored_answer(std::string_view json);

/// POST /v1/files.
struct SealedAnswer {
  UnverifiedDelivery delivery;
  StoredAnswer stored;
};
SealedAnswer parse_sealed_answer(std::string_view json);

/// GET /v1/deliveries/{id}.
UnverifiedDelivery parse_delivery_answer(std::string_view json);

/// GET /v1/inbox, and GET /v1/sent. The deliveries are still JSON: one that can't be read mustn't
/// hide the others.
struct InboxAnswer {
  std::vector<std::string> deliveries;
  std::optional<Uuid> next;
};
InboxAnswer parse_inbox_answer(std::string_view json);

/// What became of a delivery, as the gateway says.
enum class SentState : std::uint8_t { kOpen, kClosed, kExpired, kRevoked };
/// "open", "closed", "expired", "revoked".
std::string_view to_text(SentState state) noexcept;

/// GET /v1/deliveries/{id}/receipts, and each delivery of GET /v1/sent.
struct SentAnswer {
  struct Device {
    records::Handle handle;
    crypto::X25519Recipient recipient;
    std::optional<records::Time> collected;
    std::optional<records::Envelope> opened;
  };
  Uuid delivery;
  SentState state;
  records::Time created;
  records::Time expires;
  std::uint64_t files;
  std::uint64_t bytes;
  std::vector<records::Envelope> covers;  ///< none while the first isn't signed
  std::optional<records::Envelope> manifest;
  std::optional<records::Envelope> deleted;
  std::vector<Device> devices;
};
SentAnswer parse_sent_answer(std::string_view json);

/// What the gateway says of the calling device: POST /v1/devices and GET /v1/self.
struct EnrolledAnswer {
  records::DeviceState state;
  std::optional<records::Time> waits_until;
};
EnrolledAnswer parse_enrolled_answer(std::string_view json);

/// GET /v1/self: whose the calling device is.
records::Handle parse_own_handle(std::string_view json);

/// GET /v1/devices: a whole history, in the order of acceptance. The envelopes aren't verified.
struct HistoryAnswer {
  records::Handle handle;
  struct Entry {
    records::Time accepted;
    records::Envelope record;
  };
  std::vector<Entry> entries;
};
/// Of anybody but `of`, it is kMalformed, too.
HistoryAnswer parse_history_answer(std::string_view json,
                                   const std::optional<records::Handle>& of = std::nullopt);

/// POST /v1/invitations: the token, 43 characters.
SecretBytes parse_invitation_answer(std::string_view json);

/// The id of a delivery, if there is one, in a JSON that may otherwise be unreadable.
std::optional<Uuid> delivery_id_of(std::string_view json);

/// The delivery that a file's Link field names.
std::optional<Uuid> delivery_of_link(std::string_view link);

}  // namespace letterbox::client
