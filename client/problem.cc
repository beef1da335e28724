#include "client/problem.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "client/terminal.h"

namespace letterbox::client {
namespace {

using nlohmann::json;

// "UnknownRecipient" as problem types spell it: "unknown-recipient".
std::string kebab_case(std::string_view name) {
  std::string text;
  for (const char letter : name) {
    const bool is_capital = letter >= 'A' && letter <= 'Z';
    if (is_capital && !text.empty()) text += '-';
    text += is_capital ? static_cast<char>(letter - 'A' + 'a') : letter;
  }
  return text;
}

std::optional<ErrorCode> code_of_type(std::string_view type) {
  constexpr std::string_view kPrefix = "/problems/";
  if (!type.starts_with(kPrefix)) return std::nullopt;
  type.remove_prefix(kPrefix.size());
  for (int value = 0; value <= static_cast<int>(ErrorCode::kInternal); ++value) {
    const auto code = static_cast<ErrorCode>(value);
    if (kebab_case(to_string(code)) == type) return code;
  }
  return std::nullopt;
}

std::string member(const json& problem, const char* name) {
  if (!problem.is_object()) return {};
  const auto found = problem.find(name);
  return found != problem.end() && found->is_string() ? found->get<std::string>() : std::string();
}

ErrorCode code_of(unsigned status, const std::string& type) {
  if (status == 404) return ErrorCode::kNotFound;
  if (status == 401 || status == 403) return ErrorCode::kNotAllowed;
  if (status >= 500) return ErrorCode::kUnavailable;
  return code_of_type(type).value_or(ErrorCode::kInternal);
}

}  // namespace

Error problem_error(unsigned status, std::string_view body) {
  const json problem = json::parse(body, nullptr, false);
  std::string message = "the gateway answers " + std::to_string(status);
  for (const char* name : {"title", "detail"}) {
    const std::string text = printable(member(problem, name));
    if (!text.empty()) message += (message.ends_with('.') ? " " : ": ") + text;
  }
  return {code_of(status, member(problem, "type")), message};
}

}  // namespace letterbox::client
