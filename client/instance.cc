#include "client/instance.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

namespace letterbox::client {
namespace {

using nlohmann::json;

// The first value of an element; null if there is none.
const json* value_of(const json& attributes, const char* tag) {
  const auto element = attributes.find(tag);
  if (element == attributes.end() || !element->is_object()) return nullptr;
  const auto values = element->find("Value");
  if (values == element->end() || !values->is_array() || values->empty()) return nullptr;
  return &values->front();
}

std::string text_of(const json& attributes, const char* tag) {
  const json* const value = value_of(attributes, tag);
  const auto* text = value == nullptr ? nullptr : value->get_ptr<const std::string*>();
  return text == nullptr ? "" : *text;
}

std::string name_of(const json& attributes, const char* tag) {
  const json* const value = value_of(attributes, tag);
  if (value == nullptr || !value->is_object()) return "";
  std::string name;
  for (const char* group : {"Alphabetic", "Ideographic", "Phonetic"}) {
    const auto found = value->find(group);
    if (found != value->end() && found->is_string()) name += found->get_ref<const std::string&>();
    name += '=';
  }
  name.erase(name.find_last_not_of('=') + 1);
  return name;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(at, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

// Family^Given^Middle^Prefix^Suffix as "Family, Given Middle Prefix Suffix".
std::string readable_group(std::string_view group) {
  const auto parts = split(group, '^');
  std::string readable(parts.front());
  const char* between = ", ";
  for (const std::string_view part : std::span(parts).subspan(1)) {
    if (part.empty()) continue;
    if (!readable.empty()) readable += between;
    readable += part;
    between = " ";
  }
  return readable;
}

}  // namespace

Instance instance_of(std::string_view attributes) {
  const json object = json::parse(attributes, nullptr, false);
  if (!object.is_object()) return {};
  return {.uid = text_of(object, "00080018"),
          .patient_name = name_of(object, "00100010"),
          .patient_id = text_of(object, "00100020"),
          .born = text_of(object, "00100030"),
          .study_uid = text_of(object, "0020000D"),
          .study_date = text_of(object, "00080020"),
          .study_description = text_of(object, "00081030"),
          .series_uid = text_of(object, "0020000E"),
          .modality = text_of(object, "00080060"),
          .series_description = text_of(object, "0008103E")};
}

std::string readable_name(std::string_view name) {
  std::string readable;
  for (const std::string_view group : split(name, '=')) {
    const std::string text = readable_group(group);
    if (text.empty()) continue;
    readable += readable.empty() ? text : " (" + text + ")";
  }
  return readable;
}

std::string readable_date(std::string_view date) {
  const bool is_date =
      date.size() == 8 && std::ranges::all_of(date, [](char c) { return c >= '0' && c <= '9'; });
  if (!is_date) return std::string(date);
  return std::string(date.substr(0, 4)) + '-' + std::string(date.substr(4, 2)) + '-' +
         std::string(date.substr(6));
}

}  // namespace letterbox::client
