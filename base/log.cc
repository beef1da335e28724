#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace letterbox::log {

namespace {

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made = std::make_shared<spdlog::logger>("letterbox",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("time=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v", spdlog::pattern_time_type::utc);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *instance;
}

// logfmt: a value is quoted, and control characters escaped, so that no value can forge a line.
void append_quoted(std::string& line, std::string_view value) {
  static constexpr char kHex[] = "0123456789abcdef";
  line += '"';
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      line += "\\x";
      line += kHex[byte >> 4];
      line += kHex[byte & 15];
    } else {
      line += c;
    }
  }
  line += '"';
}

template <typename Range>
std::string line_of(std::string_view event, const Range& fields) {
  std::string line = "event=";
  append_quoted(line, event);
  for (const auto& [name, value] : fields) {
    line += ' ';
    line += name;
    line += '=';
    append_quoted(line, value);
  }
  return line;
}

std::string_view file_name(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace

void info(std::string_view event, Fields fields) {
  logger().info(line_of(event, fields));
}
void warn(std::string_view event, Fields fields) {
  logger().warn(line_of(event, fields));
}
void error(std::string_view event, Fields fields) {
  logger().error(line_of(event, fields));
}

void error(std::string_view event, const Error& error, Fields fields) {
  std::string line = line_of(event, fields);
  line += " code=";
  append_quoted(line, to_string(error.code()));
  line += " message=";
  append_quoted(line, error.what());
  line += " where=";
  append_quoted(
      line, std::string(file_name(error.where().file)) + ':' + std::to_string(error.where().line));
  logger().error(line);
}

}  // namespace letterbox::log
