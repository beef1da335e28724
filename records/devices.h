// Whose device is it? The one place of the rules by which somebody's devices follow from records.
//
// What may be known of a handle are device records, cosignatures and revocations. Each is signed by
// the key that it names, so anybody can check what was said and by whom; the rules here say what
// follows. The gateway and every sender's client apply them, each to the records that it has.
//
// **Times in records are their signers' claims**, and a thief can write any. No rule rests on them,
// but for not_before, which can only delay. What came first is told by *acceptance*: the position
// and time at which somebody other than the signers took a record in. So a stolen device that was
// revoked can't cosign "before" it was: its record comes later, whatever it says.
//
// What that can't do: acceptance is the gateway's word until a transparency log fixes it. A gateway
// that lies can withhold a record, put a thief's cosignature before the revocation, take a record
// of its own making for somebody's first device, or say that it accepted long ago a replacement
// whose maker signed an old not_before. It can't make a device vouch or revoke that didn't, shorten
// a signed not_before, or bring a device back against a revocation that is shown in its place. A
// client therefore also pins the keys that it knows, and asks its user about every one that no
// pinned device vouched for: Device::entrance and Device::voucher are there to find out.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "crypto/signing.h"
#include "records/cosignature.h"
#include "records/device_record.h"
#include "records/dsse.h"
#include "records/handle.h"
#include "records/revocation.h"
#include "records/time.h"

namespace letterbox::records {

/// A verified record about devices, and when it was accepted.
struct AcceptedRecord {
  Digest hash;  ///< its payload_hash()
  std::variant<DeviceRecord, Cosignature, Revocation> record;
  std::uint64_t position;  ///< smaller was accepted earlier
  Time accepted;           ///< by the clock of whoever accepted it
};

/// Verifies an envelope of any of the three types. Throws Error kMalformed or kBadSignature.
AcceptedRecord verify_accepted(const Envelope& envelope, std::uint64_t position, Time accepted);

enum class DeviceState : std::uint8_t {
  kUnvouched,  ///< nothing vouches for it: not the owner's, as far as the records go
  kWaiting,    ///< a replacement first device before its time
  kActive,
  kRevoked,  ///< for good
};

/// "unvouched", "waiting", "active", "revoked".
std::string_view to_text(DeviceState state) noexcept;

/// How a device came to be vouched for.
enum class Entrance : std::uint8_t {
  kNone,
  kFirst,        ///< no device was active before it: the acceptor's word, by an invitation
  kCosigned,     ///< by `voucher`, which was active then
  kReplacement,  ///< it waited, and nobody objected: nobody's word
};

struct Device {
  Digest hash;  ///< of its record
  DeviceRecord record;
  DeviceState state = DeviceState::kUnvouched;
  Entrance entrance = Entrance::kNone;     ///< kept when it is revoked
  std::optional<Digest> voucher = {};      ///< the cosigner's hash, where cosigned
  std::optional<Time> waits_until = {};    ///< where waiting
  std::optional<Revocation> revoked = {};  ///< the one that counted, where revoked
};

/// The devices of `handle` at the time `at`, in the order of acceptance. Records of other handles,
/// and those that nothing follows from, are passed over, whoever made them. `gateway` is the key
/// that signs for administrators. `shortest_wait` is how long a replacement waits at least after
/// its acceptance, so that one whose maker wrote old times waits too.
///
/// In the order of acceptance (a record that comes again is the first time's):
///  1. A device that has no not_before, where none of the handle has ever been active, is *first*
///     and active.
///  2. A device that has a not_before waits, until then and at least `shortest_wait`, and then is
///     active. `accepted` times later than `at` count as `at`, so no acceptor ends a wait early.
///  3. A cosignature by an active device of the handle makes a device active at once, if that is
///     there already.
///  4. A revocation counts if an active device of the handle signed it, the revoked device itself
///     (in whatever state), or the gateway; even if the device comes later. It undoes nothing that
///     its device did before.
///  5. What a device that isn't active at the time says of others is nothing, then and later.
///  6. Keys have one owner: a device whose signing key or age key is that of one that is or was
///     active doesn't become active. So the keys of a revoked device can't come back.
/// So a device that is revoked stays so, whatever is accepted after that and however much later it
/// is asked for. (Only for a caller whose clock is behind the acceptor's may a revocation lapse
/// again: once it knows that a wait had ended in time for its device to revoke the revoker.)
/// Takes time in proportion to records times devices: callers bound the records that they keep.
/// Pure, thread-safe.
std::vector<Device> devices_of(const Handle& handle, std::vector<AcceptedRecord> records,
                               const crypto::VerifyKey& gateway, Time at,
                               std::chrono::seconds shortest_wait = kReplacementWait);

}  // namespace letterbox::records
