#include "client/expiry.h"

#include <charconv>

#include "base/error.h"

namespace letterbox::client {

records::Time parse_expiry(std::string_view text, records::Time now) {
  const auto unusable = [] {
    return Error(ErrorCode::kUsage,
                 "--expires takes a time to come, as 7d, 12h, 30m or 2026-12-24T00:00:00Z");
  };
  if (const auto time = records::parse_time(text)) {
    if (*time <= now) throw unusable();
    return *time;
  }
  const auto duration = parse_duration(text);
  if (!duration) throw unusable();
  return now + *duration;
}

std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
  unsigned count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end + 1 != text.data() + text.size() || count == 0 || count > 100'000)
    return std::nullopt;
  switch (*end) {
    case 'd':
      return std::chrono::days(count);
    case 'h':
      return std::chrono::hours(count);
    case 'm':
      return std::chrono::minutes(count);
    default:
      return std::nullopt;
  }
}

}  // namespace letterbox::client
