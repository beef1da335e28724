#include "records/index.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/json_text.h"
#include "records/json.h"

namespace letterbox::records {

namespace {

const std::string kWhat = "the index";
constexpr std::array<std::string_view, 4> kTypes = {"application/dicom", "image/jpeg", "image/png",
                                                    kUncheckedType};
// A sequence of DICOM JSON lies three deeper than the one around it: element, Value, item.
constexpr int kDepth = 3 * 64 + 5;

OrderedJson or_null(const std::optional<std::string>& text) {
  return text ? OrderedJson(*text) : OrderedJson(nullptr);
}

OrderedJson to_json(const PhotoLabel& label) {
  OrderedJson json;
  json["patient"] = nullptr;
  if (label.patient) {
    OrderedJson& patient = json["patient"];
    patient["name"] = or_null(label.patient->name);
    patient["id"] = or_null(label.patient->id);
    patient["born"] = or_null(label.patient->born);
  }
  json["site"] = or_null(label.site);
  json["side"] = label.side ? OrderedJson(to_text(*label.side)) : OrderedJson(nullptr);
  json["note"] = or_null(label.note);
  json["consent"] = or_null(label.consent);
  return json;
}

// Texts are shown on one line, a note on several.
std::optional<std::string> checked_text(std::string_view text, std::size_t most, bool lines) {
  const bool clean = std::ranges::none_of(text, [lines](char c) {
    const auto code = static_cast<unsigned char>(c);
    return (code < 0x20 && !(lines && c == '\n')) || code == 0x7f;
  });
  if (text.empty() || text.size() > most || !clean) return std::nullopt;
  return std::string(text);
}

std::optional<std::string> parse_text(std::string_view text) {
  return checked_text(text, kMaxText, false);
}

std::optional<std::string> parse_note(std::string_view text) {
  return checked_text(text, kMaxNote, true);
}

std::optional<std::string> parse_type(std::string_view text) {
  if (std::ranges::find(kTypes, text) == kTypes.end()) return std::nullopt;
  return std::string(text);
}

std::optional<std::string> parse_tag(std::string_view text) {
  const bool is_tag = text.size() == 8 && std::ranges::all_of(text, [](char c) {
                        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
                      });
  return is_tag ? std::optional(std::string(text)) : std::nullopt;
}

// YYYY-MM-DD; whether a month has that day is for people.
std::optional<std::string> parse_date(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00";
  const bool is_date = std::ranges::equal(
      text, kForm, [](char c, char form) { return form == '-' ? c == '-' : c >= '0' && c <= '9'; });
  return is_date ? std::optional(std::string(text)) : std::nullopt;
}

bool boolean(const Json& json, const char* name) {
  const auto* value = json.at(name).get_ptr<const Json::boolean_t*>();
  if (value == nullptr) refuse(kWhat, std::string("has a \"") + name + "\" that isn't a boolean");
  return *value;
}

template <typename Parse>
std::vector<std::string> texts(const Members& members, const char* name, std::size_t most,
                               Parse parse) {
  const Json::array_t& array = members.array(name);
  if (array.size() > most) refuse(kWhat, std::string("has too long a \"") + name + '"');
  std::vector<std::string> texts;
  for (const Json& json : array) {
    const auto* text = json.get_ptr<const std::string*>();
    const auto parsed = text == nullptr ? std::nullopt : parse(*text);
    if (!parsed) refuse(kWhat, std::string("has an entry in \"") + name + "\" that can't be");
    texts.push_back(*parsed);
  }
  return texts;
}

std::optional<PhotoLabel> parse_label(const Json& json) {
  if (json.is_null()) return std::nullopt;
  const Members members(json, kWhat + "'s label", {"patient", "site", "side", "note", "consent"});
  PhotoLabel label{.patient = {},
                   .site = members.parsed_or_null("site", parse_text),
                   .side = members.parsed_or_null("side", parse_side),
                   .note = members.parsed_or_null("note", parse_note),
                   .consent = members.parsed_or_null("consent", parse_text)};
  if (const Json& patient = json.at("patient"); !patient.is_null()) {
    const Members of_patient(patient, kWhat + "'s patient", {"name", "id", "born"});
    label.patient = {.name = of_patient.parsed_or_null("name", parse_text),
                     .id = of_patient.parsed_or_null("id", parse_text),
                     .born = of_patient.parsed_or_null("born", parse_date)};
    if (!label.patient->name && !label.patient->id) refuse(kWhat, "has a patient without a name");
  }
  return label;
}

[[noreturn]] void throw_too_large() {
  throw Error(ErrorCode::kTooLarge, kWhat + " is over 64 KiB");
}

// Where it is one level down.
void require_object(std::string_view text) {
  if (const auto fault = fault_in_json(text, kDepth - 1)) refuse(kWhat, *fault);
  const auto first = text.find_first_not_of(" \t\r\n");
  if (text[first] != '{') refuse(kWhat, "has attributes that aren't an object");
}

void check(const Index& index) {
  if (index.checked != (index.type != kUncheckedType)) {
    refuse(kWhat, "says of an attachment that it was checked, or of a file that it wasn't");
  }
  const bool is_dicom = index.type == "application/dicom";
  if (index.attributes.has_value() != is_dicom || (!is_dicom && !index.left_out.empty())) {
    refuse(kWhat, "has attributes and isn't DICOM, or the other way round");
  }
  const bool is_photo = index.type.starts_with("image/");
  if (!is_photo && (index.captured || index.label || !index.dropped.empty())) {
    refuse(kWhat, "says of a file what is said of photos");
  }
}

}  // namespace

std::string_view to_text(Side side) noexcept {
  switch (side) {
    case Side::kLeft:
      return "left";
    case Side::kRight:
      return "right";
    case Side::kBoth:
      return "both";
  }
  return "";
}

std::optional<Side> parse_side(std::string_view text) noexcept {
  for (const Side side : {Side::kLeft, Side::kRight, Side::kBoth}) {
    if (text == to_text(side)) return side;
  }
  return std::nullopt;
}

Bytes index_bytes(const Index& index) try {
  OrderedJson before;
  before["type"] = index.type;
  before["size"] = index.size;
  before["checked"] = index.checked;
  before["name"] = or_null(index.name);
  OrderedJson behind;
  behind["left_out"] = index.left_out;
  behind["captured"] = or_null(index.captured);
  behind["dropped"] = index.dropped;
  behind["label"] = index.label ? to_json(*index.label) : OrderedJson(nullptr);
  behind["supersedes"] = index.supersedes ? OrderedJson(index.supersedes->text()) : nullptr;

  std::string first = before.dump();
  first.back() = ',';
  first += "\"attributes\":";
  const std::string last = ',' + behind.dump().substr(1);

  // Nothing is sealed which a reader would refuse. The attributes, which may be long, are read
  // once, by themselves: a whole object can't be anything else in here either. The rest is read
  // back with a short one in their place.
  if (index.attributes) require_object(*index.attributes);
  const std::string rest = first + (index.attributes ? "{}" : "null") + last;
  parse_index(as_bytes(rest));

  // What wrote the attributes chose their order and form; neither is ours to change.
  const std::string text = first + index.attributes.value_or("null") + last;
  if (text.size() > kMaxIndexSize) throw_too_large();
  return {text.begin(), text.end()};
} catch (const Json::exception&) {  // its message quotes the text
  refuse(kWhat, "has a text that isn't UTF-8");
}

Index parse_index(ByteView bytes) {
  if (bytes.size() > kMaxIndexSize) throw_too_large();
  const Json json = parse_json(as_text(bytes), kWhat, kDepth);
  const Members members(json, kWhat,
                        {"type", "size", "checked", "name", "attributes", "left_out", "captured",
                         "dropped", "label", "supersedes"});
  Index index{.type = members.parsed("type", parse_type),
              .size = members.integer("size", 0, kMaxInteger),
              .checked = boolean(json, "checked"),
              .name = members.parsed_or_null("name", parse_text),
              .left_out = texts(members, "left_out", kMaxLeftOut, parse_tag),
              .captured = members.parsed_or_null("captured", parse_text),
              .dropped = texts(members, "dropped", kMaxDropped, parse_text),
              .label = parse_label(json.at("label")),
              .supersedes = members.parsed_or_null("supersedes", Uuid::parse)};
  if (const Json& attributes = json.at("attributes"); !attributes.is_null()) {
    if (!attributes.is_object()) refuse(kWhat, "has attributes that aren't an object");
    index.attributes = attributes.dump();
  }
  check(index);
  return index;
}

}  // namespace letterbox::records
