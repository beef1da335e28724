#include "gateway/stow/content_type.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace letterbox::gateway::stow {

namespace {

std::string lower(std::string_view text) {
  std::string lowered(text);
  for (char& c : lowered) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lowered;
}

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// RFC 9110 section 5.6.2.
bool is_token_character(char c) {
  return is_alphanumeric(c) ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// What an unquoted value may hold: visible characters that end nothing.
bool is_value_character(char c) {
  return c > ' ' && c < 0x7f && c != ';' && c != ',' && c != '"';
}

// Reads a field from left to right. What isn't there isn't taken.
class Reader {
 public:
  explicit Reader(std::string_view rest) : rest_(rest) {}

  bool at_end() const { return rest_.empty(); }
  bool at(char c) const { return !rest_.empty() && rest_.front() == c; }
  bool take(char c) {
    if (!at(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip_white_space() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size()));
  }
  std::string_view take_while(bool (*belongs)(char)) {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), belongs);
    const std::string_view taken = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(taken.size());
    return taken;
  }
  // RFC 9110 section 5.6.4.
  std::optional<std::string> take_quoted() {
    if (!take('"')) return std::nullopt;
    std::string value;
    while (!rest_.empty()) {
      if (take('"')) return value;
      if (take('\\') && rest_.empty()) break;
      const char c = rest_.front();
      const bool is_text = c == '\t' || (c >= ' ' && c != 0x7f) || static_cast<signed char>(c) < 0;
      if (!is_text) break;
      value += c;
      rest_.remove_prefix(1);
    }
    return std::nullopt;
  }

 private:
  std::string_view rest_;
};

// One media type or range, up to a comma or the end.
std::optional<ContentType> read_type(Reader& reader) {
  ContentType type;
  reader.skip_white_space();
  const std::string_view major = reader.take_while(is_token_character);
  if (major.empty() || !reader.take('/')) return std::nullopt;
  const std::string_view minor = reader.take_while(is_token_character);
  if (minor.empty()) return std::nullopt;
  type.name = lower(major) + '/' + lower(minor);
  while (true) {
    reader.skip_white_space();
    if (!reader.take(';')) return type;
    reader.skip_white_space();
    const std::string_view name = reader.take_while(is_token_character);
    if (name.empty()) continue;
    if (!reader.take('=')) return std::nullopt;
    std::optional<std::string> value =
        reader.at('"') ? reader.take_quoted() : std::string(reader.take_while(is_value_character));
    if (!value || !type.parameters.emplace(lower(name), *std::move(value)).second) {
      return std::nullopt;
    }
  }
}

// RFC 9110 section 12.4.2, in thousandths.
int weight_of(const ContentType& range) {
  const auto q = range.parameters.find("q");
  if (q == range.parameters.end()) return 1000;
  const std::string& text = q->second;
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return 0;
  int weight = text[0] == '1' ? 1000 : 0;
  if (text.size() > 2 && text[0] == '0') {
    const std::string digits = (text.substr(2) + "00").substr(0, 3);
    std::from_chars(digits.data(), digits.data() + digits.size(), weight);
  }
  return weight;
}

}  // namespace

std::optional<ContentType> parse_content_type(std::string_view field) {
  Reader reader(field);
  std::optional<ContentType> type = read_type(reader);
  if (!reader.at_end()) return std::nullopt;
  return type;
}

std::string_view media_type_of(Form form) noexcept {
  switch (form) {
    case Form::kJson:
      return "application/dicom+json";
    case Form::kXml:
      return "application/dicom+xml";
  }
  return "";
}

Form preferred_form(std::string_view accept) {
  // The most specific range decides: the type itself, application/*, */*.
  struct Liking {
    int precision = -1;
    int weight = 0;
    void hear(int range_precision, int range_weight) {
      if (range_precision > precision) *this = {range_precision, range_weight};
    }
  };
  Liking json;
  Liking xml;
  Reader reader(accept);
  while (!reader.at_end()) {
    const std::optional<ContentType> range = read_type(reader);
    if (!range) return Form::kJson;
    const int weight = weight_of(*range);
    if (range->name == media_type_of(Form::kJson)) json.hear(2, weight);
    if (range->name == media_type_of(Form::kXml)) xml.hear(2, weight);
    const int breadth = range->name == "application/*" ? 1 : range->name == "*/*" ? 0 : -1;
    if (breadth >= 0) {
      json.hear(breadth, weight);
      xml.hear(breadth, weight);
    }
    if (!reader.at_end() && !reader.take(',')) return Form::kJson;
  }
  return xml.weight > json.weight ? Form::kXml : Form::kJson;
}

}  // namespace letterbox::gateway::stow
