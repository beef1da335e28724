#pragma once

#include <string_view>

#include "records/time.h"

namespace letterbox::client {

/// When a delivery expires: a time ("2026-12-24T00:00:00Z"), or days, hours or minutes from `now`
/// ("7d", "12h", "30m"). Throws Error kUsage for anything else, and for what isn't after now.
records::Time parse_expiry(std::string_view text, records::Time now);

}  // namespace letterbox::client
