// The request target, taken apart: RFC 3986 path segments and query parameters.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace letterbox::gateway {

/// Path and query of a target in origin-form (RFC 9112 section 3.2.1).
class Target {
 public:
  Target() = default;
  /// Throws Error kMalformed for a bad percent-encoding in the query. The path is compared as it
  /// was sent and never decoded: every route's literals and ids are unreserved characters, so an
  /// encoded path names nothing here.
  Target(std::string_view path, std::string_view query);

  const std::vector<std::string>& segments() const noexcept { return segments_; }

  /// Values of a parameter, decoded, in order.
  std::vector<std::string> all(std::string_view name) const;
  /// The value of a parameter that may come once. Throws Error kMalformed if it comes twice.
  std::optional<std::string> one(std::string_view name) const;
  /// Throws Error kMalformed if there is a parameter beside `known`: a misspelt one must not be
  /// ignored.
  void allow_only(std::initializer_list<std::string_view> known) const;

 private:
  std::vector<std::string> segments_;
  std::vector<std::pair<std::string, std::string>> parameters_;
};

}  // namespace letterbox::gateway
