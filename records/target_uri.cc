#include "records/target_uri.h"

#include <algorithm>

#include "base/error.h"

namespace letterbox::records {

namespace {

[[noreturn]] void refuse(const char* why) {
  throw Error(ErrorCode::kMalformed, std::string("the request's target URI ") + why);
}

std::string lowercase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

/// "host", "host:" and "host:443" are one authority.
std::string without_default_port(const std::string& scheme, std::string authority) {
  const std::string default_port = scheme == "https" ? ":443" : ":80";
  if (authority.ends_with(':')) authority.pop_back();
  if (authority.ends_with(default_port)) authority.resize(authority.size() - default_port.size());
  return authority;
}

}  // namespace

TargetUri TargetUri::parse(std::string_view text) {
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; })) {
    refuse("isn't visible ASCII");
  }
  const auto colon = text.find("://");
  TargetUri uri;
  uri.scheme = lowercase(text.substr(0, colon));
  if (colon == std::string_view::npos || (uri.scheme != "https" && uri.scheme != "http")) {
    refuse("isn't one of http or https");
  }
  std::string_view rest = text.substr(colon + 3);
  if (rest.find('#') != std::string_view::npos) refuse("has a fragment");

  const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  if (authority.find('@') != std::string_view::npos) refuse("has user information");
  rest.remove_prefix(authority.size());
  uri.authority = without_default_port(uri.scheme, lowercase(authority));
  if (uri.authority.empty() || uri.authority.front() == ':') refuse("has no host");

  const auto question = std::min(rest.find('?'), rest.size());
  uri.path = question == 0 ? "/" : std::string(rest.substr(0, question));
  uri.query = rest.substr(question);
  return uri;
}

}  // namespace letterbox::records
