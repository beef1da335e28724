// A multipart is the same parts whatever portions it comes in, and never more than what came; and
// what was put between boundaries comes out as it went in.
#include "gateway/stow/multipart.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "gateway/stow/content_type.h"

using namespace letterbox;
using namespace letterbox::gateway::stow;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

// Gives a body in portions, each gone when the next one comes.
class Portions final : public Source {
 public:
  Portions(std::string_view body, std::size_t size) : rest_(body), size_(size) {}
  ByteView next() override {
    portion_ = std::string(rest_.substr(0, size_));
    portion_.shrink_to_fit();
    rest_.remove_prefix(portion_.size());
    return as_bytes(portion_);
  }

 private:
  std::string_view rest_;
  std::size_t size_;
  std::string portion_;
};

struct Outcome {
  std::vector<std::string> parts;  // type, location, content
  std::optional<ErrorCode> refused;
  bool operator==(const Outcome&) const = default;
};

Outcome read(std::string_view body, std::size_t portion, const std::string& boundary) {
  Outcome outcome;
  try {
    Portions source(body, portion);
    Multipart multipart(source, boundary, 8);
    while (const auto head = multipart.next()) {
      outcome.parts.push_back(head->type.name);
      outcome.parts.push_back(head->location);
      outcome.parts.emplace_back(as_text(read_all(multipart.content(), SIZE_MAX)));
    }
  } catch (const Error& error) {
    // How much was read before depends on the portions; what is refused, and why, doesn't.
    return {{}, error.code()};
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const Byte* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text = as_text(ByteView(data + 1, size - 1));
  const auto type = parse_content_type(text.substr(0, text.find('\n')));
  preferred_form(text.substr(0, text.find('\n')));
  std::string boundary = "b";
  if (type && type->parameters.contains("boundary")) boundary = type->parameters.at("boundary");

  const Outcome whole = read(text, SIZE_MAX, boundary);
  require(whole == read(text, data[0] % 16 + 1U, boundary));
  std::size_t came = 0;
  for (const std::string& part : whole.parts) came += part.size();
  require(came <= text.size() + whole.parts.size() * std::string_view("text/plain").size());

  // Any content that doesn't hold the delimiter survives.
  if (("\r\n" + std::string(text)).find("\r\n--b") != std::string::npos) return 0;
  const std::string wrapped = "--b\r\nContent-Type: a/b\r\n\r\n" + std::string(text) + "\r\n--b--";
  const Outcome expected{{"a/b", "", std::string(text)}, {}};
  require(read(wrapped, data[0] % 16 + 1U, "b") == expected);
  return 0;
}
