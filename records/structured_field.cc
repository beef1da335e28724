#include "records/structured_field.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "crypto/base64.h"

namespace letterbox::records {

namespace {

constexpr std::size_t kMaxDigits = 15;

// ASCII alone, whatever the locale.
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_letter(char c) {
  return is_lower(c) || (c >= 'A' && c <= 'Z');
}
bool starts_key(char c) {
  return is_lower(c) || c == '*';
}
bool continues_key(char c) {
  return is_lower(c) || is_digit(c) || std::string_view("_-.*").find(c) != std::string_view::npos;
}
bool starts_token(char c) {
  return is_letter(c) || c == '*';
}
bool continues_token(char c) {
  return is_letter(c) || is_digit(c) ||
         std::string_view("!#$%&'*+-.^_`|~:/").find(c) != std::string_view::npos;
}
bool is_string_character(char c) {
  return c >= 0x20 && c < 0x7f;
}

/// RFC 8941 section 4.2. One function an algorithm of the RFC, in its order.
class Parser {
 public:
  Parser(std::string_view text, const std::string& what) : rest_(text), what_(what) {
    if (text.size() > kMaxStructuredFieldSize) refuse("is too long");
  }

  Dictionary dictionary() {
    skip(" ");
    Dictionary dictionary;
    while (!rest_.empty()) {
      std::string name = key();
      add(dictionary, {std::move(name), member_value()});
      skip(" \t");
      if (rest_.empty()) break;
      if (!take(',')) refuse("has something other than a comma between two members");
      skip(" \t");
      if (rest_.empty()) refuse("ends with a comma");
    }
    return dictionary;
  }

 private:
  [[noreturn]] void refuse(const char* why) const {
    throw Error(ErrorCode::kMalformed, what_ + " " + why);
  }

  char front() const { return rest_.empty() ? '\0' : rest_.front(); }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip(std::string_view characters) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(characters), rest_.size()));
  }
  template <typename Predicate>
  std::string_view take_while(Predicate predicate) {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), predicate);
    const auto taken = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  template <typename Entry>
  void add(std::vector<Entry>& entries, Entry entry) {
    if (entries.size() == kMaxStructuredFieldEntries) refuse("has too many entries");
    const auto same = [&](const Entry& other) { return other.key == entry.key; };
    if (std::any_of(entries.begin(), entries.end(), same)) refuse("has a key twice");
    entries.push_back(std::move(entry));
  }

  std::string key() {
    if (!starts_key(front())) refuse("has something else where a key belongs");
    return std::string(take_while(continues_key));
  }

  std::variant<Item, InnerList> member_value() {
    if (!take('=')) return Item{true, parameters()};
    if (take('(')) return inner_list();
    return item();
  }

  /// What follows the opening parenthesis.
  InnerList inner_list() {
    InnerList list;
    while (true) {
      skip(" ");
      if (take(')')) break;
      if (list.items.size() == kMaxStructuredFieldEntries) refuse("has too many entries");
      list.items.push_back(item());
      if (front() != ' ' && front() != ')') refuse("has an inner list that isn't one");
    }
    list.parameters = parameters();
    return list;
  }

  Item item() {
    BareItem value = bare_item();
    return {std::move(value), parameters()};
  }

  Parameters parameters() {
    Parameters parameters;
    while (take(';')) {
      skip(" ");
      std::string name = key();
      add(parameters, {std::move(name), take('=') ? bare_item() : BareItem(true)});
    }
    return parameters;
  }

  BareItem bare_item() {
    if (front() == '-' || is_digit(front())) return integer();
    if (take('"')) return string();
    if (starts_token(front())) return Token{std::string(take_while(continues_token))};
    if (take(':')) return byte_sequence();
    if (take('?')) return boolean();
    refuse("has something else where a value belongs");
  }

  std::int64_t integer() {
    const bool negative = take('-');
    const std::string_view digits = take_while(is_digit);
    if (digits.empty() || digits.size() > kMaxDigits) refuse("has a number that is out of range");
    std::int64_t number = 0;
    for (const char digit : digits) number = number * 10 + (digit - '0');
    return negative ? -number : number;
  }

  /// What follows the opening quote.
  std::string string() {
    std::string text;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return text;
      if (!is_string_character(c)) break;
      if (c != '\\') {
        text += c;
      } else if (front() == '"' || front() == '\\') {
        text += rest_.front();
        rest_.remove_prefix(1);
      } else {
        break;
      }
    }
    refuse("has a string that isn't one");
  }

  /// What follows the opening colon.
  Bytes byte_sequence() {
    const std::string_view text = take_while([](char c) { return c != ':'; });
    auto bytes = crypto::base64_decode(text, crypto::Padding::kRequired);
    if (!take(':') || !bytes) refuse("has a byte sequence that isn't one");
    return *std::move(bytes);
  }

  /// What follows the question mark.
  bool boolean() {
    if (take('1')) return true;
    if (take('0')) return false;
    refuse("has a boolean that isn't one");
  }

  std::string_view rest_;
  const std::string& what_;
};

[[noreturn]] void no_form(const char* kind) {
  throw Error(ErrorCode::kInternal, std::string("a structured field can't hold this ") + kind);
}

struct ToText {
  std::string operator()(std::int64_t number) const {
    if (number > kMaxStructuredInteger || number < -kMaxStructuredInteger) no_form("number");
    return std::to_string(number);
  }
  std::string operator()(const std::string& text) const {
    std::string quoted = "\"";
    for (const char c : text) {
      if (!is_string_character(c)) no_form("string");
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c;
    }
    return quoted + '"';
  }
  std::string operator()(const Token& token) const {
    const auto& text = token.text;
    if (text.empty() || !starts_token(text.front()) ||
        !std::all_of(text.begin(), text.end(), continues_token)) {
      no_form("token");
    }
    return text;
  }
  std::string operator()(const Bytes& bytes) const {
    return ':' + crypto::base64_encode(bytes, crypto::Padding::kRequired) + ':';
  }
  std::string operator()(bool value) const { return value ? "?1" : "?0"; }

  std::string operator()(const Parameters& parameters) const {
    std::string text;
    for (const auto& parameter : parameters) {
      text += ';' + key(parameter.key);
      if (parameter.value != BareItem(true)) text += '=' + to_text(parameter.value);
    }
    return text;
  }
  std::string operator()(const Item& item) const {
    return to_text(item.value) + (*this)(item.parameters);
  }
  std::string operator()(const InnerList& list) const {
    std::string text = "(";
    for (const auto& item : list.items) text += (text.size() > 1 ? " " : "") + (*this)(item);
    return text + ')' + (*this)(list.parameters);
  }

  static const std::string& key(const std::string& key) {
    if (key.empty() || !starts_key(key.front()) ||
        !std::all_of(key.begin(), key.end(), continues_key)) {
      no_form("key");
    }
    return key;
  }
};

}  // namespace

Dictionary parse_dictionary(std::string_view text, const std::string& what) {
  return Parser(text, what).dictionary();
}

std::string to_text(const Dictionary& dictionary) {
  std::string text;
  for (const auto& member : dictionary) {
    text += (text.empty() ? "" : ", ") + ToText::key(member.key);
    const auto* item = std::get_if<Item>(&member.value);
    // A member that is true is written as its key alone (RFC 8941 section 4.1.2).
    if (item != nullptr && item->value == BareItem(true)) {
      text += ToText()(item->parameters);
    } else {
      text += '=' + std::visit(ToText(), member.value);
    }
  }
  return text;
}

std::string to_text(const InnerList& list) {
  return ToText()(list);
}

std::string to_text(const BareItem& item) {
  return std::visit(ToText(), item);
}

}  // namespace letterbox::records
