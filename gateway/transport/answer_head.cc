#include "gateway/transport/answer_head.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "gateway/transport/http_date.h"

namespace letterbox::gateway::transport {

namespace {

// RFC 9110 section 15. The phrase means nothing to a program, so a status without one has none.
const char* reason_phrase(int status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 423:
      return "Locked";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "";
  }
}

}  // namespace

std::string status_line(int status) {
  return "HTTP/1.1 " + std::to_string(status) + ' ' + reason_phrase(status) +
         "\r\n"
         "Date: " +
         http_date(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())) +
         "\r\n"
         "X-Content-Type-Options: nosniff\r\n";
}

std::string field_line(std::string_view name, std::string_view value) {
  const auto is_control = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && byte != '\t') || byte == 0x7f;
  };
  if (name.empty() || name.find_first_of(" \t:") != std::string_view::npos ||
      std::any_of(name.begin(), name.end(), is_control) ||
      std::any_of(value.begin(), value.end(), is_control)) {
    throw Error(ErrorCode::kInternal, "a header field of an answer has a control character");
  }
  return std::string(name) + ": " + std::string(value) + "\r\n";
}

std::string refusal_answer(const Refusal& refusal, bool with_body) {
  const std::string status = std::to_string(refusal.status());
  const std::string body = std::string(R"({"type":"about:blank","title":")") +
                           reason_phrase(refusal.status()) + R"(","status":)" + status +
                           R"(,"detail":")" + refusal.detail() + "\"}\n";
  std::string answer = status_line(refusal.status());
  // RFC 9110 sections 15.5.6 and 12.5.3: what would have been taken.
  if (refusal.status() == 405) {
    answer += "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n";
  }
  // RFC 9110 section 10.2.3.
  if (refusal.status() == 503) answer += "Retry-After: 5\r\n";
  if (refusal.status() == 415) answer += "Accept-Encoding: identity\r\n";
  answer += field_line("Content-Type", "application/problem+json");
  answer += field_line("Content-Length", std::to_string(body.size()));
  answer += "Connection: close\r\n\r\n";
  if (with_body) answer += body;
  return answer;
}

}  // namespace letterbox::gateway::transport
