#include "dicom/attributes/attributes.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/error.h"

namespace letterbox::dicom {

namespace {

constexpr std::size_t kTagSize = 8;

// A sequence's items are three levels further in: its object, its values, the item.
constexpr std::size_t kMaxDepth = 3 * 65 + 1;

bool is_tag(std::string_view text) {
  return text.size() == kTagSize && std::all_of(text.begin(), text.end(), [](char c) {
           return ('0' <= c && c <= '9') || ('A' <= c && c <= 'F');
         });
}

// Whether a text is JSON and at its top a data set, and which instance it names. The callbacks are
// nlohmann's; each says whether to go on.
class DataSetCheck {
 public:
  bool null() { return inside(); }
  bool boolean(bool) { return inside(); }
  bool number_integer(std::int64_t) { return inside(); }
  bool number_unsigned(std::uint64_t) { return inside(); }
  bool number_float(double, const std::string&) { return inside(); }
  bool binary(nlohmann::json::binary_t&) { return false; }
  bool string(std::string& text) {
    if (depth_ == kInValues && uid_ != nullptr) *uid_ = text;
    return inside();
  }
  bool start_object(std::size_t) { return deeper(); }
  bool key(std::string& name) {
    if (depth_ == kInDataSet) return element(name);
    if (depth_ == kInElement) return name == "vr" || name == "Value" || name == "InlineBinary";
    return true;
  }
  bool end_object() { return shallower(); }
  // An element is an object, and so is the whole.
  bool start_array(std::size_t) { return depth_ >= kInElement && deeper(); }
  bool end_array() { return shallower(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) {
    return false;
  }

  const InstanceUids& uids() const { return uids_; }

 private:
  static constexpr std::size_t kInDataSet = 1;
  static constexpr std::size_t kInElement = 2;
  static constexpr std::size_t kInValues = 3;

  bool inside() const { return depth_ >= kInElement; }
  bool deeper() { return ++depth_ <= kMaxDepth; }
  bool shallower() {
    --depth_;
    return true;
  }
  bool element(const std::string& tag) {
    if (!is_tag(tag) || tag <= last_) return false;
    last_ = tag;
    uid_ = tag == "00080016"   ? &uids_.sop_class
           : tag == "00080018" ? &uids_.sop_instance
           : tag == "0020000D" ? &uids_.study
           : tag == "0020000E" ? &uids_.series
                               : nullptr;
    return true;
  }

  std::size_t depth_ = 0;
  std::string last_;
  InstanceUids uids_;
  std::string* uid_ = nullptr;
};

[[noreturn]] void refuse(const char* why) {
  throw Error(ErrorCode::kNotWhatItClaims, why);
}

std::vector<std::string> parse_tags(std::string_view text) {
  std::vector<std::string> tags;
  while (!text.empty()) {
    const std::string_view tag = text.substr(0, kTagSize);
    if (!is_tag(tag)) refuse("the process that read the file answered something else");
    tags.emplace_back(tag);
    text.remove_prefix(tag.size());
    if (text.starts_with(' ')) text.remove_prefix(1);
  }
  return tags;
}

}  // namespace

std::vector<std::string> joined(std::vector<std::string> left_out,
                                const std::vector<std::string>& more) {
  left_out.insert(left_out.end(), more.begin(), more.end());
  std::sort(left_out.begin(), left_out.end());
  left_out.erase(std::unique(left_out.begin(), left_out.end()), left_out.end());
  if (left_out.size() > kMaxNamed) {
    left_out.resize(kMaxNamed);
    left_out.emplace_back(kMoreLeftOut);
  }
  return left_out;
}

Bytes to_answer(const Attributes& attributes) {
  Bytes answer;
  for (const std::string& tag : attributes.left_out) {
    if (!answer.empty()) answer.push_back(' ');
    answer.insert(answer.end(), tag.begin(), tag.end());
  }
  answer.push_back('\n');
  answer.insert(answer.end(), attributes.json.begin(), attributes.json.end());
  return answer;
}

Attributes parse_answer(ByteView answer, const InstanceUids& scanned) {
  const std::string_view text = as_text(answer);
  const std::size_t line = text.find('\n');
  if (line == std::string_view::npos || text.size() - line - 1 > kMaxAttributes) {
    refuse("the process that read the file answered something else");
  }
  const std::string_view json = text.substr(line + 1);
  DataSetCheck check;
  if (!nlohmann::json::sax_parse(json, &check)) {
    refuse("the process that read the file answered what isn't DICOM JSON");
  }
  const InstanceUids& read = check.uids();
  if (read.sop_class != scanned.sop_class || read.sop_instance != scanned.sop_instance ||
      read.study != scanned.study || read.series != scanned.series) {
    refuse("two parsers read different UIDs in the file");
  }
  return {std::string(json), parse_tags(text.substr(0, line))};
}

}  // namespace letterbox::dicom
