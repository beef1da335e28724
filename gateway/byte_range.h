// The Range of a request, RFC 9110 section 14: which bytes of a representation are asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace letterbox::gateway {

/// Bytes `first` to `last`, both included.
struct ByteRange {
  std::uint64_t first;
  std::uint64_t last;

  std::uint64_t length() const noexcept { return last - first + 1; }
  bool operator==(const ByteRange&) const = default;
};

/// The value of Content-Range for a part of `size` bytes, section 14.4: "bytes 0-9/20".
std::string content_range(const ByteRange& range, std::uint64_t size);
/// The same where nothing is satisfied: "bytes */20".
std::string content_range(std::uint64_t size);

/// The part that a Range field asks for of `size` bytes, at least one. Nothing: the field is to be
/// ignored, because it is none, or of another unit, or malformed (section 14.2). Throws Error
/// kRangeNotSatisfiable if no such byte exists; kSeveralRanges for more than one range, which
/// nobody here needs and which make a small request costly (section 14.2 lets a server refuse).
/// Pure.
std::optional<ByteRange> asked_range(const std::optional<std::string>& field, std::uint64_t size);

/// Whether If-Range lets the Range stand, section 13.1.5: it is absent, or it is the strong entity
/// tag `etag`. A date never matches: nothing here has a Last-Modified. Pure.
bool if_range_holds(const std::optional<std::string>& field, std::string_view etag);

}  // namespace letterbox::gateway
