// The three fields of a signed request, a line each: Signature-Input, Signature, Content-Digest.
// What parses has one form, which parses to the same and is judged the same; its base has a line
// for each component and one more, whatever the request's fields hold.
#include <algorithm>

#include "base/error.h"
#include "crypto/base64.h"
#include "records/content_digest.h"
#include "records/http_signature.h"

using namespace letterbox;
using namespace letterbox::records;

namespace {

void require(bool holds) {
  if (!holds) __builtin_trap();
}

std::string_view take_line(std::string_view& text) {
  const auto line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

void try_signature(std::string_view input, std::string_view value, std::string_view field) {
  const auto signature = parse_request_signature(input, value);
  const auto again = parse_request_signature(
      "s=" + signature.parameters,
      "s=:" + crypto::base64_encode(signature.value, crypto::Padding::kRequired) + ':');
  require(again.parameters == signature.parameters && again.components == signature.components &&
          again.value == signature.value && again.key_id == signature.key_id);
  const Time now(std::chrono::seconds(1'763'919'000));
  require(find_fault(again, true, now) == find_fault(signature, true, now));

  const RequestView request{
      .method = "POST", .target_uri = "https://h/", .field_lines = [&](std::string_view) {
        return std::vector<std::string>{std::string(field)};
      }};
  try {
    const std::string base = signature_base(signature, request);
    const auto lines = static_cast<std::size_t>(std::count(base.begin(), base.end(), '\n'));
    require(lines == signature.components.size());
  } catch (const Error& error) {
    require(error.code() == ErrorCode::kBadSignature);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = as_text({data, size});
  const auto input = take_line(text);
  const auto value = take_line(text);
  try {
    try_signature(input, value, text);
  } catch (const Error& error) {
    require(error.code() == ErrorCode::kMalformed);
  }
  try {
    const Digest digest = parse_content_digest(text);
    require(parse_content_digest(content_digest(digest)) == digest);
  } catch (const Error& error) {
    require(error.code() == ErrorCode::kMalformed);
  }
  return 0;
}
