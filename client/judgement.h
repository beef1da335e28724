// What somebody's devices are to this device: the one place where a client decides whom it seals
// for.
//
// records/devices.h says whose device is whose, as far as a history goes that the gateway gives
// out, and what a gateway that lies can do about it. What it can't do is to make a device that we
// pinned vouch for another. So we take what was pinned, and what follows from that by cosignatures;
// for everything else our user is asked.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "crypto/signing.h"
#include "records/device_record.h"
#include "records/devices.h"
#include "records/handle.h"
#include "records/time.h"

namespace letterbox::client {

enum class Standing : std::uint8_t {
  kPinned,      ///< active, and known here: may be sealed for
  kIntroduced,  ///< active, and vouched for by one that is known here: likewise, with a notice
  kStranger,    ///< active, and nothing known here vouches for it
  kWaiting,     ///< a replacement before its time, by our clock
  kUnvouched,   ///< not its owner's yet
  kRevoked,     ///< now or as we learnt earlier, and for good
};

struct JudgedDevice {
  records::Device device;
  Standing standing;
};

/// The pinned devices that a client keeps, of any handles.
struct Pins {
  std::span<const records::DeviceRecord> known;
  /// Were known until they were seen revoked.
  std::span<const records::DeviceRecord> revoked;
};

/// The devices of `handle` as `history` has them at the time `at`, in the order of acceptance.
/// `at` is our clock's, so that a wait which only the gateway's clock calls over isn't.
///
/// One that was seen revoked stays so, whatever history comes later; and it introduces nobody any
/// more, because a gateway in league with its thief could put a new cosignature before the
/// revocation. Where the revocation is news, what its device vouched for before is taken, as
/// devices_of() takes it. Pure, thread-safe.
std::vector<JudgedDevice> judge(const records::Handle& handle,
                                std::vector<records::AcceptedRecord> history, const Pins& pins,
                                const crypto::VerifyKey& gateway, records::Time at);

/// Whether both records are of one device: same owner, same keys.
bool same_device(const records::DeviceRecord& a, const records::DeviceRecord& b);

}  // namespace letterbox::client
