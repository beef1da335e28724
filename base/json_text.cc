#include "base/json_text.h"

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace letterbox {

namespace {

using Json = nlohmann::json;

// Is told of each token, and says whether to go on. (The library's other way to watch a parse, a
// callback, goes through all that a container holds whenever something in it ends.)
class Watch final : public nlohmann::json_sax<Json> {
 public:
  explicit Watch(std::size_t most_depth) : most_depth_(most_depth) {}

  std::string_view fault() const { return fault_; }

  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(number_integer_t) override { return value(); }
  bool number_unsigned(number_unsigned_t) override { return value(); }
  bool number_float(number_float_t, const string_t&) override { return value(); }
  bool string(string_t&) override { return value(); }
  bool binary(binary_t&) override { return value(); }
  bool start_object(std::size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    return names_.back().insert(name).second || stop("has a member twice");
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override {
    return stop("isn't JSON");
  }

 private:
  bool stop(std::string_view fault) {
    fault_ = fault;
    return false;
  }
  bool value() { return names_.size() <= most_depth_ || stop("is nested too deeply"); }
  bool open() {
    if (!value()) return false;
    names_.emplace_back();
    return true;
  }
  bool close() {
    names_.pop_back();
    return true;
  }

  const std::size_t most_depth_;
  std::vector<std::set<std::string>> names_;  // of each container that is open; an array has none
  std::string_view fault_;
};

}  // namespace

std::optional<std::string_view> fault_in_json(std::string_view text, std::size_t most_depth) {
  // The library takes NUL for the end, whatever follows it, and skips a byte order mark.
  if (text.find('\0') != std::string_view::npos || text.starts_with("\xef\xbb\xbf")) {
    return "isn't JSON";
  }
  Watch watch(most_depth);
  if (Json::sax_parse(text, &watch)) return std::nullopt;
  return watch.fault();
}

}  // namespace letterbox
