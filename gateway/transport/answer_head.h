// Writing the head of an answer, RFC 9112 section 4, and the answers that the transport makes
// itself.
#pragma once

#include <string>
#include <string_view>

#include "gateway/transport/refusal.h"

namespace letterbox::gateway::transport {

/// "HTTP/1.1 200 OK\r\n" and the fields that every answer has: Date, X-Content-Type-Options.
std::string status_line(int status);

/// "Name: value\r\n". Throws Error kInternal if either has a character that would end the field or
/// begin another: a value taken from a request must never be able to write our head.
std::string field_line(std::string_view name, std::string_view value);

/// A whole answer: application/problem+json (RFC 9457) with fixed texts, and Connection: close.
/// `with_body` is false for HEAD.
std::string refusal_answer(const Refusal& refusal, bool with_body);

}  // namespace letterbox::gateway::transport
