// Entity tags in conditions of requests, RFC 9110 sections 8.8.3 and 13.1.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace letterbox::gateway {

/// The tag of a delivery's headers under this version of its cover: "v3", in its quotes.
std::string version_tag(std::uint32_t version);

/// How tags are compared, section 8.8.3.2: If-Match wants it strong, If-None-Match weak.
enum class TagComparison : std::uint8_t { kStrong, kWeak };

/// Whether the value of If-Match or If-None-Match is "*", or a list of entity tags in which the
/// strong tag `etag` is. What can't be read as such a list has none of them. Pure.
bool lists_tag(std::string_view field, std::string_view etag, TagComparison comparison);

}  // namespace letterbox::gateway
