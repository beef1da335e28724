// A delivery that this device seals: agreed with the gateway, and filled. client/finish_send.h is
// how it gets there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "client/addressees.h"
#include "client/caller.h"
#include "client/unfinished_send.h"
#include "records/cover.h"
#include "records/device_record.h"
#include "records/index.h"
#include "records/time.h"

namespace letterbox::client {

/// The devices that may be sealed for: of each handle that was asked for those that are known by
/// now, and each single device that was asked for. Throws Error kUntrustedKey, saying what to do,
/// if a handle has an active device that nothing known vouches for; kUnknownRecipient if somebody
/// has no device to seal for, and kNotFound if the gateway knows nobody of a handle.
std::vector<records::DeviceRecord> sealable_devices(Caller& us, const Addressees& addressees);

/// Throws Error kCoverMismatch unless the cover expires then, where a time was asked for.
void check_expiry(const records::Cover& cover, const std::optional<records::Time>& expires);

/// The gateway drafts the cover of a new delivery; we read it, judge it by `sealable`, and only
/// then sign it. Throws Error kUntrustedKey, kCoverMismatch, kMalformed.
records::SignedCover agree_on_cover(Caller& us, const Addressees& addressees,
                                    const std::vector<records::DeviceRecord>& sealable,
                                    const std::optional<records::Time>& expires);

/// Has the gateway open the delivery.
void open_delivery(Caller& us, const records::SignedCover& cover);

/// Seals one file under a new id and a new file key, to the end of `plaintext`, and leaves the age
/// file in the send's folder: whole, or not at all. `name` is what it is called in messages, `size`
/// that of the plaintext, if it is known.
SealedBytes seal_file(const UnfinishedSend& send, Source& plaintext, const std::string& name,
                      const std::optional<std::uint64_t>& size, bool show_progress);
/// The same for the index of a file that was sealed.
SealedBytes seal_index(const UnfinishedSend& send, const Uuid& file, const records::Index& index);

}  // namespace letterbox::client
