#include "dicom/wrap/metadata.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/json_text.h"

namespace letterbox::dicom {

namespace {

using Json = nlohmann::json;

// As deep as a scanner lets sequences nest. Each lies an object, a Value and an item deeper.
constexpr int kMostSequences = 64;
constexpr int kMostDepth = 3 * (kMostSequences + 1) + 1;

[[noreturn]] void refuse(std::string_view why) {
  throw Error(ErrorCode::kMalformed, "DICOM JSON: " + std::string(why));
}

Json parse(ByteView bytes) {
  if (bytes.size() > kMaxMetadata)
    throw Error(ErrorCode::kTooLarge,
                "DICOM JSON of more bytes than the limit of " + std::to_string(kMaxMetadata));
  if (const auto fault = fault_in_json(as_text(bytes), kMostDepth)) refuse(*fault);
  return Json::parse(as_text(bytes));
}

std::uint32_t tag_from(std::string_view text) {
  std::uint32_t tag = 0;
  const bool lower = std::any_of(text.begin(), text.end(), [](char c) { return c >= 'a'; });
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), tag, 16);
  if (text.size() != 8 || lower || error != std::errc() || end != text.data() + text.size())
    refuse("a tag that isn't eight uppercase hexadecimal digits");
  return tag;
}

template <typename Number>
void append_little_endian(Bytes& out, Number number) {
  Byte bytes[sizeof(Number)];
  std::memcpy(bytes, &number, sizeof number);
  out.insert(out.end(), std::begin(bytes), std::end(bytes));
}

// How the values of a VR are written (PS3.18 table F.2.3-1), and how they are stored.
enum class Kind : std::uint8_t {
  kText,       // several, parted by backslashes
  kOneText,    // one, that may hold backslashes and lines
  kName,       // PN: an object of up to three groups
  kDecimal,    // DS, IS: a number or its text
  kTag,        // AT
  kUnsigned2,  // US …
  kSigned2,
  kUnsigned4,
  kSigned4,
  kUnsigned8,
  kSigned8,
  kFloat,
  kDouble,
  kSequence,
  kBinary,
};
struct Representation {
  std::string_view name;
  Kind kind;
};
constexpr Representation kRepresentations[] = {
    {"AE", Kind::kText},      {"AS", Kind::kText},      {"AT", Kind::kTag},
    {"CS", Kind::kText},      {"DA", Kind::kText},      {"DS", Kind::kDecimal},
    {"DT", Kind::kText},      {"FD", Kind::kDouble},    {"FL", Kind::kFloat},
    {"IS", Kind::kDecimal},   {"LO", Kind::kText},      {"LT", Kind::kOneText},
    {"OB", Kind::kBinary},    {"OD", Kind::kBinary},    {"OF", Kind::kBinary},
    {"OL", Kind::kBinary},    {"OV", Kind::kBinary},    {"OW", Kind::kBinary},
    {"PN", Kind::kName},      {"SH", Kind::kText},      {"SL", Kind::kSigned4},
    {"SQ", Kind::kSequence},  {"SS", Kind::kSigned2},   {"ST", Kind::kOneText},
    {"SV", Kind::kSigned8},   {"TM", Kind::kText},      {"UC", Kind::kText},
    {"UI", Kind::kText},      {"UL", Kind::kUnsigned4}, {"UN", Kind::kBinary},
    {"UR", Kind::kText},      {"US", Kind::kUnsigned2}, {"UT", Kind::kOneText},
    {"UV", Kind::kUnsigned8},
};

// A control character can mean anything to who shows the text; DICOM has lines in long texts only.
void check_text(std::string_view text, Kind kind, std::string_view delimiters) {
  const bool lines = kind == Kind::kOneText;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool line_control = byte == '\t' || byte == '\n' || byte == '\f' || byte == '\r';
    if (byte == 0x7f || (byte < 0x20 && !(lines && line_control))) refuse("a control character");
    if (delimiters.find(c) != std::string_view::npos)
      refuse("a value with a character that would end it");
  }
}

const std::string& string_of(const Json& value) {
  const auto* text = value.get_ptr<const std::string*>();
  if (text == nullptr) refuse("a value that isn't a text");
  return *text;
}

std::string name_of(const Json& value) {
  if (!value.is_object()) refuse("a person's name that isn't an object");
  std::string name;
  std::size_t known = 0;
  std::string pending;
  for (const char* group : {"Alphabetic", "Ideographic", "Phonetic"}) {
    const auto found = value.find(group);
    if (found != value.end()) {
      ++known;
      const std::string& text = string_of(*found);
      check_text(text, Kind::kName, "\\=");
      if (!text.empty()) {
        name += pending + text;
        pending.clear();
      }
    }
    pending += '=';
  }
  if (known != value.size()) refuse("a person's name with an unknown group");
  return name;
}

// A decimal string has at most 16 characters.
std::string decimal_of(const Json& value) {
  constexpr std::size_t kLongest = 16;
  if (value.is_string()) {
    check_text(string_of(value), Kind::kDecimal, "\\");
    return string_of(value);
  }
  if (!value.is_number()) refuse("a value that isn't a number");
  std::string text = value.dump();
  if (text.size() > kLongest) {
    char rounded[32];
    std::snprintf(rounded, sizeof rounded, "%.9g", value.get<double>());
    text = rounded;
  }
  return text;
}

template <typename Number>
Number integer_of(const Json& value) {
  // Numbers of 64 bits may come as texts, as not every JSON reader holds them.
  if (sizeof(Number) == 8 && value.is_string()) {
    const std::string& text = string_of(value);
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) refuse("not a whole number");
    return number;
  }
  if (!value.is_number_integer()) refuse("a value that isn't a whole number");
  const bool fits = value.is_number_unsigned() ? std::in_range<Number>(value.get<std::uint64_t>())
                                               : std::in_range<Number>(value.get<std::int64_t>());
  if (!fits) refuse("a number out of its representation's range");
  return value.is_number_unsigned() ? static_cast<Number>(value.get<std::uint64_t>())
                                    : static_cast<Number>(value.get<std::int64_t>());
}

double real_of(const Json& value) {
  if (!value.is_number()) refuse("a value that isn't a number");
  return value.get<double>();
}

std::string text_of(const Json& value, Kind kind) {
  if (value.is_null()) return {};
  if (kind == Kind::kName) return name_of(value);
  if (kind == Kind::kDecimal) return decimal_of(value);
  const std::string& text = string_of(value);
  check_text(text, kind, kind == Kind::kText ? "\\" : "");
  return text;
}

void append_number(Bytes& out, const Json& value, Kind kind) {
  switch (kind) {
    case Kind::kTag: {
      const std::uint32_t tag = tag_from(string_of(value));
      append_little_endian(out, static_cast<std::uint16_t>(tag >> 16));
      append_little_endian(out, static_cast<std::uint16_t>(tag & 0xffff));
      return;
    }
    case Kind::kUnsigned2:
      return append_little_endian(out, integer_of<std::uint16_t>(value));
    case Kind::kSigned2:
      return append_little_endian(out, integer_of<std::int16_t>(value));
    case Kind::kUnsigned4:
      return append_little_endian(out, integer_of<std::uint32_t>(value));
    case Kind::kSigned4:
      return append_little_endian(out, integer_of<std::int32_t>(value));
    case Kind::kUnsigned8:
      return append_little_endian(out, integer_of<std::uint64_t>(value));
    case Kind::kSigned8:
      return append_little_endian(out, integer_of<std::int64_t>(value));
    case Kind::kFloat:
      return append_little_endian(out, static_cast<float>(real_of(value)));
    case Kind::kDouble:
      return append_little_endian(out, real_of(value));
    case Kind::kText:
    case Kind::kOneText:
    case Kind::kName:
    case Kind::kDecimal:
    case Kind::kSequence:
    case Kind::kBinary:
      break;
  }
  refuse("binary data that isn't in a part of its own");
}

InstanceMetadata instance_from(const Json& object, bool top_level);

// PS3.18 section F.2.2: an attribute's object.
Element element_from(const Json& attribute) {
  if (!attribute.is_object()) refuse("an attribute that isn't an object");
  const auto vr = attribute.find("vr");
  if (vr == attribute.end()) refuse("an attribute without its VR");
  const std::string& name = string_of(*vr);
  const auto* const known =
      std::find_if(std::begin(kRepresentations), std::end(kRepresentations),
                   [&name](const Representation& one) { return one.name == name; });
  if (known == std::end(kRepresentations)) refuse("a VR that isn't the standard's");
  Element element{.vr = {name[0], name[1]}};
  const auto value = attribute.find("Value");
  if (attribute.size() != (value == attribute.end() ? 1U : 2U))
    refuse("an attribute with bulk data, inline binary or an unknown member");
  if (value == attribute.end()) return element;
  if (!value->is_array()) refuse("a Value that isn't an array");

  switch (known->kind) {
    case Kind::kSequence:
      for (const Json& item : *value)
        element.items.push_back(instance_from(item, /*top_level=*/false).attributes);
      return element;
    case Kind::kOneText:
      if (value->size() > 1) refuse("several values where there can be one");
      [[fallthrough]];
    case Kind::kText:
    case Kind::kName:
    case Kind::kDecimal: {
      std::string joined;
      for (const Json& one : *value) {
        if (&one != &value->front()) joined += '\\';
        joined += text_of(one, known->kind);
      }
      const char terminated[3] = {name[0], name[1], '\0'};
      return text_element(terminated, joined);
    }
    default:
      for (const Json& one : *value) append_number(element.value, one, known->kind);
      return element;
  }
}

// PS3.18 section F.2: an object of attributes.
InstanceMetadata instance_from(const Json& object, bool top_level) {
  constexpr std::uint32_t kFirstGroup = 0x0008;
  constexpr std::uint32_t kPixelGroup = tags::kPixelData >> 16;
  if (!object.is_object()) refuse("an instance that isn't an object");
  InstanceMetadata instance;
  for (const auto& [key, attribute] : object.items()) {
    const std::uint32_t tag = tag_from(key);
    const std::uint32_t group = tag >> 16;
    if (tag == tags::kPixelData && top_level) {
      const bool well_formed = attribute.is_object() && attribute.size() == 2 &&
                               attribute.contains("vr") && attribute.contains("BulkDataURI");
      if (!well_formed) refuse("Pixel Data without a BulkDataURI");
      instance.bulk_data_uri = string_of(attribute["BulkDataURI"]);
      continue;
    }
    // Group 2 is the file's and not the instance's; a group's length is none of JSON's.
    if ((group == 0x0002 && top_level) || (tag & 0xffff) == 0) continue;
    if (group < kFirstGroup || group >= kPixelGroup) refuse("a tag that can't be there");
    instance.attributes[tag] = element_from(attribute);
  }
  if (top_level)
    instance.attributes[tags::kSpecificCharacterSet] = text_element("CS", "ISO_IR 192");
  return instance;
}

}  // namespace

InstanceMetadata parse_instance(ByteView json) {
  const Json parsed = parse(json);
  if (!parsed.is_array()) return instance_from(parsed, /*top_level=*/true);
  if (parsed.size() != 1) refuse("not just one object");
  return instance_from(parsed.front(), /*top_level=*/true);
}

std::vector<InstanceMetadata> parse_metadata(ByteView json) {
  const Json parsed = parse(json);
  std::vector<InstanceMetadata> instances;
  const auto take = [&instances](const Json& object) {
    instances.push_back(instance_from(object, /*top_level=*/true));
    if (instances.back().bulk_data_uri.empty()) refuse("an instance without a picture");
  };
  if (parsed.is_array()) {
    for (const Json& object : parsed) take(object);
  } else {
    take(parsed);
  }
  if (instances.empty()) refuse("no instance");
  return instances;
}

InstanceUids uids_of(const DataSet& attributes) {
  return {.transfer_syntax = {},
          .sop_class = text_of(attributes, tags::kSopClassUid),
          .sop_instance = text_of(attributes, tags::kSopInstanceUid),
          .study = text_of(attributes, tags::kStudyInstanceUid),
          .series = text_of(attributes, tags::kSeriesInstanceUid)};
}

}  // namespace letterbox::dicom
