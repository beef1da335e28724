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
  unsigned count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end + 1 != text.data() + text.size() || count == 0 || count > 100'000)
    throw unusable();
  switch (*end) {
    case 'd':
      return now + std::chrono::days(count);
    case 'h':
      return now + std::chrono::hours(count);
    case 'm':
      return now + std::chrono::minutes(count);
    default:
      throw unusable();
  }
}

}  // namespace letterbox::client
