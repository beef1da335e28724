// A time as HTTP writes it.
#pragma once

#include <chrono>
#include <string>

namespace letterbox::gateway::transport {

/// IMF-fixdate of RFC 9110 section 5.6.7, in English whatever the locale: "Sun, 06 Nov 1994
/// 08:49:37 GMT".
std::string http_date(std::chrono::sys_seconds time);

}  // namespace letterbox::gateway::transport
