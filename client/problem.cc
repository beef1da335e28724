#include "client/problem.h"

#include <time.h>

#include <chrono>
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
  const std::optional<ErrorCode> named = code_of_type(type);
  if (status == 403)
    return named == ErrorCode::kDownloadLimitReached ? *named : ErrorCode::kNotAllowed;
  if (status == 507) return named.value_or(ErrorCode::kStorageFull);
  if (status == 412) return ErrorCode::kPreconditionFailed;
  if (status >= 500) return ErrorCode::kUnavailable;
  return named.value_or(status == 401 ? ErrorCode::kUnauthenticated : ErrorCode::kInternal);
}

// Where our user can do something, and the gateway's fixed text is for whoever wrote the program.
const char* advice(ErrorCode code) {
  switch (code) {
    case ErrorCode::kDownloadLimitReached:
      return "this device has fetched the file as often as its sender allows; ask them to send it "
             "again";
    case ErrorCode::kQuotaExceeded:
      return "your hospital has used up its room at the gateway; take back what isn't needed any "
             "more (letterbox sent, letterbox revoke), or ask the gateway's administrator";
    case ErrorCode::kPreconditionFailed:
      return "somebody else changed the delivery at the same time; run it again";
    default:
      return nullptr;
  }
}

std::string span_of(std::chrono::seconds span) {
  const auto in = [&](auto seconds, const char* unit) {
    const auto count = span.count() / seconds;
    return std::to_string(count) + ' ' + unit + (count == 1 ? "" : "s");
  };
  if (span >= std::chrono::days(2)) return in(86400, "day");
  if (span >= std::chrono::hours(2)) return in(3600, "hour");
  if (span >= std::chrono::minutes(2)) return in(60, "minute");
  return in(1, "second");
}

}  // namespace

std::optional<std::string> clock_difference(const std::string& date, records::Time now) {
  std::tm parts{};
  const char* const end = ::strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  const records::Time theirs{std::chrono::seconds(::timegm(&parts))};
  const auto ahead = now - theirs;
  return "this device's clock is " + span_of(std::chrono::abs(ahead)) +
         (ahead.count() < 0 ? " behind" : " ahead of") +
         " the gateway's; set it right, or tell the gateway's operator if it is";
}

Error problem_error(unsigned status, std::string_view body, const std::string& date) {
  const json problem = json::parse(body, nullptr, false);
  std::string message = "the gateway answers " + std::to_string(status);
  for (const char* name : {"title", "detail"}) {
    const std::string text = printable(member(problem, name));
    if (!text.empty()) message += (message.ends_with('.') ? " " : ": ") + text;
  }
  const ErrorCode code = code_of(status, member(problem, "type"));
  if (const char* const what_to_do = advice(code)) return {code, what_to_do};
  if (code == ErrorCode::kClockSkew) {
    if (const auto difference = clock_difference(date, records::now())) return {code, *difference};
  }
  if (code == ErrorCode::kUnauthenticated)
    message += (message.ends_with('.') ? " This" : ". This") +
               std::string(" device may have been revoked, or was never enrolled there");
  return {code, message};
}

}  // namespace letterbox::client
