// Strict reading of JSON: for this room alone.
//
// A record is read by programs in several languages, and a signature covers its bytes. So there
// must be no text that two readers take for two different records: what JSON leaves open (a member
// twice, a member more, 1.0 for 1) is refused here.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "crypto/base64.h"

namespace letterbox::records {

/// What is read.
using Json = nlohmann::json;
/// What is written: members stay in the order in which they were added.
using OrderedJson = nlohmann::ordered_json;

/// The largest integer that every reader holds exactly, JavaScript's among them.
inline constexpr std::uint64_t kMaxInteger = (std::uint64_t{1} << 53) - 1;

/// How deep a value of a record may lie. A cover, the deepest, has them at 3: in the object's
/// recipients' recipient.
inline constexpr int kRecordDepth = 3;

/// One JSON value and nothing after it; no member twice, no value deeper than `depth`. `what` names
/// the record in messages. Throws Error kMalformed.
Json parse_json(std::string_view text, const std::string& what, int depth = kRecordDepth);

/// Compact and ASCII.
std::string to_text(const OrderedJson& json);

/// Padded base64, the form of every byte string in a record.
std::string to_base64(ByteView bytes);
std::optional<Bytes> bytes_from_base64(std::string_view text);
template <std::size_t N>
std::optional<std::array<Byte, N>> array_from_base64(std::string_view text) {
  const auto bytes = bytes_from_base64(text);
  if (!bytes || bytes->size() != N) return std::nullopt;
  std::array<Byte, N> array;
  std::copy(bytes->begin(), bytes->end(), array.begin());
  return array;
}

/// Throws Error kMalformed. Messages name record and member, never a value: values come from
/// outside.
[[noreturn]] void refuse(const std::string& what, std::string_view why);

/// An object that has exactly the members named. What its functions can't read, they refuse.
class Members {
 public:
  Members(const Json& object, std::string what, std::initializer_list<const char*> names);

  const Json::array_t& array(const char* name) const;
  const std::string& text(const char* name) const;
  std::uint64_t integer(const char* name, std::uint64_t least, std::uint64_t most) const;
  std::optional<std::uint64_t> integer_or_null(const char* name) const;

  /// What `parse`, from text to optional, makes of a string.
  template <typename Parse>
  auto parsed(const char* name, Parse parse) const {
    auto result = parse(text(name));
    if (!result) refuse_member(name, "isn't in its one form");
    return *std::move(result);
  }
  /// The same, where null is allowed.
  template <typename Parse>
  auto parsed_or_null(const char* name, Parse parse) const {
    using Result = decltype(parse(std::string_view()));
    return object_.at(name).is_null() ? Result() : Result(parsed(name, parse));
  }

 private:
  [[noreturn]] void refuse_member(const char* name, std::string_view why) const;

  const Json& object_;
  std::string what_;
};

}  // namespace letterbox::records
