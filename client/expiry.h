#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "records/time.h"

namespace letterbox::client {

/// When a delivery expires: a time ("2026-12-24T00:00:00Z"), or days, hours or minutes from `now`
/// ("7d", "12h", "30m"). Throws Error kUsage for anything else, and for what isn't after now.
records::Time parse_expiry(std::string_view text, records::Time now);

/// Days, hours or minutes: "7d", "12h", "30m"; at least one, at most 100,000. Anything else:
/// nothing.
std::optional<std::chrono::seconds> parse_duration(std::string_view text);

}  // namespace letterbox::client
