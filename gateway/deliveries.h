// Deliveries sealed on a device: drafted here, signed there, opened and closed here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "gateway/allowance.h"
#include "gateway/directory/recipients.h"
#include "gateway/identity/caller.h"
#include "records/cover.h"
#include "records/dsse.h"
#include "storage/store.h"

namespace letterbox::gateway {

/// A fresh version 1 cover for these devices. `expires` absent: the usual life from now. Throws
/// Error kMalformed if it isn't between now and the longest life.
records::Cover draft_cover(const records::Handle& sender, records::SealedBy sealed_by,
                           const std::vector<records::Device>& devices,
                           const std::optional<records::Time>& expires,
                           const Allowance& allowance = {});

/// A delivery of `caller`'s as storage wants it.
storage::NewDelivery new_delivery(const records::SignedCover& cover, const Caller& caller,
                                  std::uint32_t downloads = storage::kUsualDownloads);

/// Opens the delivery `id` under the cover that `caller`'s device signed. The cover is checked as
/// if nobody had drafted it: its signer, its sender, each recipient, its times. Again with the same
/// bytes changes nothing. `downloads` is what the sender asks for, if it does. Throws Error
/// kBadSignature, kMalformed, kCoverMismatch (another delivery or sender, not device-sealed, not
/// version 1), kUnknownRecipient, kConflict.
void open_delivery(storage::Store& shelf, const crypto::VerifyKey& gateway_key,
                   const Caller& caller, const Uuid& id, const records::Envelope& cover,
                   const Allowance& allowance = {},
                   const std::optional<std::uint64_t>& downloads = {});

/// The cover of the open, device-sealed delivery `id`. Throws Error kNotFound, kConflict (closed).
records::SignedCover open_cover(storage::Store& shelf, const crypto::VerifyKey& gateway_key,
                                storage::TenantId tenant, const Uuid& id);

/// Closes the delivery `id` with its manifest, which `caller`'s device signed as it did the cover,
/// and which must name that cover and exactly the files and indexes that lie in it. Visible and
/// durable when it returns; again with the same bytes changes nothing. Throws Error kBadSignature,
/// kMalformed, kCoverMismatch, kIntegrity (a length or digest differs), kConflict, kNotFound.
void close_delivery(storage::Store& shelf, const Caller& caller, const Uuid& id,
                    const records::Envelope& manifest);

}  // namespace letterbox::gateway
