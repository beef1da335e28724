#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace letterbox::log {

namespace {

Format format_in_use = Format::kLogfmt;

// The time and level of a line in each format; %v is the rest.
constexpr const char* kLogfmtPattern = "time=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v";
constexpr const char* kJsonPattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})";

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made = std::make_shared<spdlog::logger>("letterbox",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern(kLogfmtPattern, spdlog::pattern_time_type::utc);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *instance;
}

// Quoted, and whatever isn't visible ASCII escaped, so that no value can forge a line. Bytes are
// escaped one by one: a value needn't be UTF-8, and a JSON line must be.
void append_quoted(std::string& line, std::string_view value) {
  static constexpr char kHex[] = "0123456789abcdef";
  const char* const escape = format_in_use == Format::kJson ? "\\u00" : "\\x";
  line += '"';
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      line += escape;
      line += kHex[byte >> 4];
      line += kHex[byte & 15];
    } else {
      line += c;
    }
  }
  line += '"';
}

void append_field(std::string& line, std::string_view name, std::string_view value) {
  if (format_in_use == Format::kJson) {
    if (!line.empty()) line += ',';
    append_quoted(line, name);
    line += ':';
  } else {
    if (!line.empty()) line += ' ';
    line += name;
    line += '=';
  }
  append_quoted(line, value);
}

std::string line_of(std::string_view event, Fields fields) {
  std::string line;
  append_field(line, "event", event);
  for (const auto& [name, value] : fields) append_field(line, name, value);
  return line;
}

std::string_view file_name(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace

void set_format(Format format) {
  format_in_use = format;
  logger().set_pattern(format == Format::kJson ? kJsonPattern : kLogfmtPattern,
                       spdlog::pattern_time_type::utc);
}

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
  append_field(line, "code", to_string(error.code()));
  append_field(line, "message", error.what());
  append_field(
      line, "where",
      std::string(file_name(error.where().file)) + ':' + std::to_string(error.where().line));
  logger().error(line);
}

}  // namespace letterbox::log
