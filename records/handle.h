// Handles, the names that people and machines go by: name@tenant.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace letterbox::records {

/// name@tenant. The name is 1–64 of [a-z0-9._-] and starts with a letter or digit; the tenant is a
/// DNS-like name of 1–64 characters [a-z0-9.-] which starts and ends with a letter or digit.
class Handle {
 public:
  /// Nothing unless it is exactly of this form.
  static std::optional<Handle> parse(std::string_view text);
  const std::string& text() const noexcept { return text_; }
  /// What stands after the @: the name of the tenant that it belongs to.
  std::string tenant() const { return text_.substr(text_.find('@') + 1); }
  auto operator<=>(const Handle&) const = default;

 private:
  explicit Handle(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace letterbox::records
