// The question that most routes ask of a delivery: may the caller have it?
#pragma once

#include "base/uuid.h"
#include "gateway/delivery_headers.h"
#include "gateway/routes/call.h"

namespace letterbox::gateway {

/// Asks whether the caller has this right over a delivery. One that isn't there, or isn't the
/// caller's, is not found alike: throws Error kNotFound.
storage::Audience require_audience(Call& call, const Uuid& delivery,
                                   bool (*question)(const Caller&, const storage::Audience&));

/// What isn't closed is there for its sender's uploads alone. Throws Error kNotFound.
void require_closed(const storage::Audience& audience);

/// A delivery that was there a moment ago. Throws Error kNotFound if it isn't any more.
storage::Delivery require_delivery(const Call& call, const Uuid& id);

/// The version that ?version= asks for, or the current one. A former one is for devices that are
/// listed in it and still are; throws Error kNotFound for others.
HeadersVersion asked_version(const Call& call, const Uuid& delivery,
                             const storage::Audience& audience);

}  // namespace letterbox::gateway
