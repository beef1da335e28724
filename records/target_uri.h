// The target URI of a request (RFC 9110 section 7.1) in its parts, as a signature sees them.
#pragma once

#include <string>
#include <string_view>

namespace letterbox::records {

/// Scheme and authority in their one form (RFC 9110 section 4.2.3): lowercase, no default port.
/// Path and query stay as they are written, so that a signature covers what is sent; an absent path
/// is
/// "/".
struct TargetUri {
  std::string scheme;     ///< "https" or "http"
  std::string authority;  ///< host, and the port unless it is the scheme's own
  std::string path;       ///< begins with "/"
  std::string query;      ///< begins with "?", or empty

  /// Throws Error kMalformed unless `text` is an absolute http or https URI of visible ASCII with a
  /// host, without user information and fragment.
  static TargetUri parse(std::string_view text);

  std::string text() const { return scheme + "://" + authority + path + query; }
};

}  // namespace letterbox::records
