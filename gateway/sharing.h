// Changing who a delivery is for, as docs/format.md ("The cover chain", "Sharing on") has it.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/uuid.h"
#include "crypto/signing.h"
#include "gateway/identity/caller.h"
#include "storage/store.h"

namespace letterbox::gateway {

/// Puts the cover and the headers of a recipients change (records/delivery_headers.h) in place of
/// those of the closed delivery `id`, all at once; durable when it returns. `caller` is a sender or
/// recipient of it, and his device made the change. Headers are checked as far as somebody without
/// the file keys can. The same change again changes nothing. `if_match` is the condition that it
/// came with.
///
/// Throws Error kPreconditionFailed (another version is current), kCoverMismatch (the cover doesn't
/// follow, or the files aren't the delivery's), kNotAllowed (drops whom he mustn't),
/// kUnknownRecipient (added, and not an active device), kConflict (changes nothing, or too many
/// versions aren't confirmed), kLocked (another one of the same person is still coming),
/// kBadSignature, kMalformed, kTooLarge, kNotFound, kUnavailable, and
/// what `body` throws.
void change_recipients(storage::Store& shelf, const crypto::VerifyKey& gateway_key,
                       const Caller& caller, const Uuid& id, std::string_view if_match,
                       Source& body);

/// `caller`'s device says that the headers of this version open: those of the versions before are
/// dropped. It must be listed in this one and the one before, and mustn't be of its maker's handle.
/// Throws Error kNotAllowed, kConflict (no such version), kNotFound, kUnavailable.
void confirm_version(storage::Store& shelf, const Caller& caller, const Uuid& id,
                     std::uint32_t version);

}  // namespace letterbox::gateway
