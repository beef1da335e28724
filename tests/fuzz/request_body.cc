// A body is the same whatever portions it comes in, and never more than what came.
#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "gateway/transport/body_decoder.h"
#include "gateway/transport/refusal.h"

using namespace letterbox;
using namespace letterbox::gateway::transport;

namespace {

struct Outcome {
  std::string content;
  std::size_t taken = 0;
  bool complete = false;
  int refused = 0;
  bool operator==(const Outcome&) const = default;
};

Outcome decode(ByteView bytes, std::size_t portion) {
  static const Limits kLimits{.header_bytes = 256, .body_bytes = 4096};
  RequestHead head;
  head.framing = BodyFraming::kChunked;
  BodyDecoder decoder(head, kLimits);
  Outcome outcome;
  try {
    while (!bytes.empty() && !decoder.complete()) {
      const std::size_t size = std::min(portion, bytes.size());
      Bytes piece(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
      const auto step = decoder.decode(piece);
      outcome.content += as_text(ByteView(piece).first(step.content));
      outcome.taken += step.taken;
      bytes = bytes.subspan(step.taken);
    }
  } catch (const Refusal& refusal) {
    // How much was decoded before depends on the portions.
    return {.refused = refusal.status()};
  }
  outcome.complete = decoder.complete();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const Byte* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView bytes(data + 1, size - 1);
  const Outcome whole = decode(bytes, SIZE_MAX);
  const Outcome portions = decode(bytes, data[0] % 16 + 1U);
  if (whole != portions || whole.content.size() > bytes.size()) std::abort();
  return 0;
}
