#include "records/json.h"

#include "base/error.h"
#include "base/json_text.h"

namespace letterbox::records {

Json parse_json(std::string_view text, const std::string& what, int depth) {
  if (const auto fault = fault_in_json(text, static_cast<std::size_t>(depth))) refuse(what, *fault);
  return Json::parse(text);
}

std::string to_text(const OrderedJson& json) {
  constexpr int kCompact = -1;
  return json.dump(kCompact, ' ', /*ensure_ascii=*/true);
}

std::string to_base64(ByteView bytes) {
  return crypto::base64_encode(bytes, crypto::Padding::kRequired);
}

std::optional<Bytes> bytes_from_base64(std::string_view text) {
  return crypto::base64_decode(text, crypto::Padding::kRequired);
}

void refuse(const std::string& what, std::string_view why) {
  throw Error(ErrorCode::kMalformed, what + " " + std::string(why));
}

Members::Members(const Json& object, std::string what, std::initializer_list<const char*> names)
    : object_(object), what_(std::move(what)) {
  if (!object.is_object()) refuse(what_, "isn't a JSON object");
  for (const char* name : names) {
    if (!object.contains(name)) refuse_member(name, "is missing");
  }
  if (object.size() != names.size()) refuse(what_, "has a member that doesn't belong");
}

const Json::array_t& Members::array(const char* name) const {
  const auto* array = object_.at(name).get_ptr<const Json::array_t*>();
  if (array == nullptr) refuse_member(name, "isn't an array");
  return *array;
}

const std::string& Members::text(const char* name) const {
  const auto* text = object_.at(name).get_ptr<const std::string*>();
  if (text == nullptr) refuse_member(name, "isn't a string");
  return *text;
}

std::uint64_t Members::integer(const char* name, std::uint64_t least, std::uint64_t most) const {
  const auto* integer = object_.at(name).get_ptr<const Json::number_unsigned_t*>();
  if (integer == nullptr) refuse_member(name, "isn't a whole number");
  if (*integer < least || *integer > most) refuse_member(name, "is out of range");
  return *integer;
}

std::optional<std::uint64_t> Members::integer_or_null(const char* name) const {
  if (object_.at(name).is_null()) return std::nullopt;
  return integer(name, 0, kMaxInteger);
}

void Members::refuse_member(const char* name, std::string_view why) const {
  refuse(what_, std::string("has a \"") + name + "\" that " + std::string(why));
}

}  // namespace letterbox::records
