// Structured field values (RFC 8941, RFC 9651): dictionaries, as far as signatures and digests of
// requests need them.
//
// Read are integers, strings, tokens, byte sequences and booleans, alone or in inner lists, with
// parameters. Decimals, dates and display strings occur in none of our fields and are refused.
// Stricter than the RFC in two places, so that no two readers can take one text for two things: a
// key that comes twice is refused instead of overwritten, and base64 must be canonical.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"

namespace letterbox::records {

/// The longest field value that is read, and the most entries of a dictionary, of an inner list and
/// of one thing's parameters.
inline constexpr std::size_t kMaxStructuredFieldSize = 8192;
inline constexpr std::size_t kMaxStructuredFieldEntries = 64;
/// RFC 8941 section 3.3.1: fifteen digits.
inline constexpr std::int64_t kMaxStructuredInteger = 999'999'999'999'999;

/// A word without quotes: `sha-256` where a string is `"sha-256"`.
struct Token {
  std::string text;
  bool operator==(const Token&) const = default;
};

using BareItem = std::variant<std::int64_t, std::string, Token, Bytes, bool>;

struct Parameter {
  std::string key;
  BareItem value;
  bool operator==(const Parameter&) const = default;
};
/// In the order in which they were written. No key occurs twice.
using Parameters = std::vector<Parameter>;

struct Item {
  BareItem value;
  Parameters parameters;
  bool operator==(const Item&) const = default;
};

struct InnerList {
  std::vector<Item> items;
  Parameters parameters;
  bool operator==(const InnerList&) const = default;
};

struct DictionaryMember {
  std::string key;
  std::variant<Item, InnerList> value;
  bool operator==(const DictionaryMember&) const = default;
};
/// In the order in which they were written. No key occurs twice.
using Dictionary = std::vector<DictionaryMember>;

/// RFC 8941 section 4.2.2, over all of `text`: a field's value, its lines joined with ", ". An
/// empty text is an empty dictionary. `what` names the field in messages, which repeat nothing of
/// the text. Throws Error kMalformed.
Dictionary parse_dictionary(std::string_view text, const std::string& what);

/// RFC 8941 section 4.1: the one form that every writer gives these values. Throws Error kInternal
/// for a value that has none (a string that isn't ASCII, a key that is no key).
std::string to_text(const Dictionary& dictionary);
std::string to_text(const InnerList& list);
std::string to_text(const BareItem& item);

}  // namespace letterbox::records
