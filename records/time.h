// Times in records: UTC, whole seconds, RFC 3339 with a Z ("2026-11-23T17:30:00Z").
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace letterbox::records {

using Time = std::chrono::sys_seconds;

Time now();
std::string to_text(Time time);
/// Exactly that form, a date that exists, years 2000–9999. Anything else: nothing.
std::optional<Time> parse_time(std::string_view text);

}  // namespace letterbox::records
