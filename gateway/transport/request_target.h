// The request target, RFC 9112 section 3.2 and RFC 3986.
#pragma once

#include <string>
#include <string_view>

namespace letterbox::gateway::transport {

/// What a request line asks for.
struct RequestTarget {
  std::string path_and_query;  ///< begins with "/", as it was sent: still percent-encoded
  std::string authority;       ///< host[:port] of the absolute form; empty in the origin form
};

/// Reads the origin form ("/path?query") and the absolute form ("https://host/path?query"). Throws
/// Refusal 400 for everything else, and for what two readers could take in two ways:
///   - a byte that RFC 3986 doesn't allow, a broken percent escape, a fragment;
///   - an escape that is no UTF-8 (overlong forms and surrogates included), or a control character;
///   - a path that begins with "//", that has a "." or ".." segment, escaped or not, or that hides
///     a slash or a backslash in an escape.
/// A double escape ("%252e") is one plain segment with a percent sign in it. Routes decode once.
RequestTarget parse_request_target(std::string_view target);

}  // namespace letterbox::gateway::transport
