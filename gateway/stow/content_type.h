// Media types as STOW-RS writes them: with parameters, of which some are needed.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace letterbox::gateway::stow {

/// A Content-Type, taken apart: RFC 9110 section 8.3.1.
struct ContentType {
  std::string name;  ///< "multipart/related", in lower case
  /// By their names in lower case. Values are as they were sent, without quotes.
  std::map<std::string, std::string> parameters;
};

/// Nothing if it isn't one, or has a parameter twice. A value needn't be quoted where the standard
/// wants it (`type=application/dicom`), because many a PACS doesn't.
std::optional<ContentType> parse_content_type(std::string_view field);

/// The two forms of what STOW-RS answers (PS3.18 section 8.7.3.2).
enum class Form { kJson, kXml };

/// "application/dicom+json" or "application/dicom+xml".
std::string_view media_type_of(Form form) noexcept;

/// What an Accept field (RFC 9110 section 12.5.1) likes better, JSON if it is all the same, and
/// also if it likes neither or isn't well-formed: a sender that asks for something else is better
/// served with an answer than with a refusal (section 12.4.1).
Form preferred_form(std::string_view accept);

}  // namespace letterbox::gateway::stow
