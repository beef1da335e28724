#include "client/event_reader.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace letterbox::client {
namespace {

constexpr std::size_t kLongestLine = std::size_t{64} * 1024;

[[noreturn]] void refuse() {
  throw Error(ErrorCode::kMalformed, "the gateway sent an event that can't be read");
}

// A space behind the colon isn't part of the value.
std::optional<std::string> value_of(const std::string& line, std::string_view field) {
  if (!line.starts_with(field) || line.size() == field.size() || line[field.size()] != ':') {
    return std::nullopt;
  }
  const std::size_t begin = field.size() + 1;
  return line.substr(begin + (begin < line.size() && line[begin] == ' ' ? 1 : 0));
}

Event event_of(const std::string& data) try {
  const auto json = nlohmann::json::parse(data);
  const auto id = Uuid::parse(json.at("id").get<std::string>());
  const auto delivery = Uuid::parse(json.at("delivery").get<std::string>());
  const auto time = records::parse_time(json.at("time").get<std::string>());
  auto kind = json.at("kind").get<std::string>();
  const bool plain =
      !kind.empty() && std::ranges::all_of(kind, [](char c) { return c >= 'a' && c <= 'z'; });
  if (!id || !delivery || !time || !plain) refuse();
  Event event{*id, std::move(kind), *time, *delivery, std::nullopt};
  if (json.contains("recipient")) event.recipient = json["recipient"].get<std::string>();
  return event;
} catch (const nlohmann::json::exception&) {
  refuse();
}

}  // namespace

std::optional<std::string> EventReader::line() {
  while (true) {
    const std::size_t end = input_.find('\n');
    if (end != std::string::npos) {
      std::string line = input_.substr(0, end);
      input_.erase(0, end + 1);
      if (line.ends_with('\r')) line.pop_back();
      return line;
    }
    if (input_.size() > kLongestLine) {
      throw Error(ErrorCode::kTooLarge, "the gateway sent a line of an event that has no end");
    }
    const ByteView piece = stream_.next();
    if (piece.empty()) return std::nullopt;
    input_ += as_text(piece);
  }
}

std::optional<Event> EventReader::next() {
  std::string data;
  while (const auto text = line()) {
    if (const auto value = value_of(*text, "data")) data += *value;
    if (text->empty() && !data.empty()) return event_of(data);
  }
  return std::nullopt;
}

}  // namespace letterbox::client
