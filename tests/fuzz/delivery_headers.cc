// A recipients change is the same cover and headers whatever portions it comes in, what is read of
// it writes back to its bytes, and no more is taken than a cover and its headers may have. A first
// byte below 128 leaves the cover out.
#include "records/delivery_headers.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "records/cover.h"

using namespace letterbox;

namespace {

struct Outcome {
  Bytes written;  ///< of what was read, anew
  std::optional<ErrorCode> refused;
  bool operator==(const Outcome&) const = default;
};

Outcome read(ByteView bytes, std::size_t portion, bool has_cover) {
  Outcome outcome;
  const auto write = [&](const Bytes& frame) {
    outcome.written.insert(outcome.written.end(), frame.begin(), frame.end());
  };
  try {
    ViewSource source(bytes, portion);
    records::HeadersReader reader(source);
    std::optional<records::Cover> cover;
    crypto::CoverHash hash{};
    if (has_cover) {
      const records::Envelope envelope = reader.cover();
      cover = records::parse_cover(envelope.payload);
      hash = records::cover_hash(envelope.payload);
    }
    const std::size_t recipients = cover ? cover->recipients.size() : 1;
    while (const auto headers = reader.next(hash, recipients))
      write(records::headers_frame(*headers));
  } catch (const Error& error) {
    outcome.refused = error.code();
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView bytes(data + 1, size - 1);
  const bool has_cover = data[0] >= 128;
  const Outcome whole = read(bytes, SIZE_MAX, has_cover);
  if (whole != read(bytes, data[0] % 16 + 1U, has_cover)) __builtin_trap();
  if (whole.written.size() > bytes.size()) __builtin_trap();
  if (!has_cover && !whole.refused && !std::ranges::equal(whole.written, bytes)) __builtin_trap();
  if (!whole.refused) return 0;
  switch (*whole.refused) {
    case ErrorCode::kMalformed:
    case ErrorCode::kTooLarge:
    case ErrorCode::kCoverMismatch:
      return 0;
    default:
      __builtin_trap();
  }
}
