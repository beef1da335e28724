// Covers as they were stored: the gateway's own reading of a delivery's chain.
#pragma once

#include <string>

#include "crypto/recipient.h"
#include "crypto/signing.h"
#include "gateway/directory/recipients.h"
#include "records/cover.h"
#include "records/dsse.h"

namespace letterbox::gateway {

/// A cover that was accepted once, verified again with the key of its maker. That may have been
/// revoked since: what a device signed before stays what it was. Throws Error kInternal if its
/// maker isn't in the directory, kBadSignature, kUnavailable.
records::SignedCover stored_cover(const Directory& directory, const std::string& envelope);

/// The same for whoever only looks into it. Nobody verifies it here.
records::Cover read_cover(const std::string& envelope);

/// Of a cover that comes in. Throws Error kMalformed unless it was made now, as clocks go, or a
/// little before it was sent.
void require_made_now(const records::Cover& cover);

/// Throws Error kBadSignature unless the envelope says that `maker` signed it. What it says is kept
/// with it, and who made a version is found by it later; that it is true, a signature shows.
void require_names_maker(const records::Envelope& envelope, const crypto::VerifyKey& maker);

}  // namespace letterbox::gateway
