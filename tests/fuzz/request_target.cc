// Whatever is accepted can be read in one way only: decoding it once yields no dot segment, no
// further slash, no control character.
#include "gateway/transport/request_target.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "base/bytes.h"
#include "gateway/transport/refusal.h"

using namespace letterbox;
using namespace letterbox::gateway::transport;

namespace {

std::string decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      decoded += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const Byte* data, std::size_t size) {
  RequestTarget target;
  try {
    target = parse_request_target(as_text({data, size}));
  } catch (const Refusal& refusal) {
    require(refusal.status() == 400);
    return 0;
  }
  const std::string& whole = target.path_and_query;
  const std::string path = whole.substr(0, whole.find('?'));
  const std::string decoded = decode(path);
  require(decoded.starts_with('/') && !decoded.starts_with("//"));
  require((decoded + '/').find("/../") == std::string::npos);
  require((decoded + '/').find("/./") == std::string::npos);
  require(std::count(decoded.begin(), decoded.end(), '/') ==
          std::count(path.begin(), path.end(), '/'));
  for (const char c : decode(whole)) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  // What was read is read again as itself.
  require(parse_request_target(whole).path_and_query == whole);
  return 0;
}
