// Headers of a delivery are the same whatever portions they come in, and what is read of them
// writes back to its bytes. The first byte says whether a cover comes first, whether nonces come
// with them, and how large the portions are.
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

Outcome read(ByteView bytes, std::size_t portion, bool has_cover, bool has_nonces) {
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
    const auto next = [&]() -> std::optional<Bytes> {
      if (has_nonces) {
        const auto beginnings = reader.next_beginnings(hash, recipients);
        return beginnings ? std::optional(records::beginnings_frame(*beginnings)) : std::nullopt;
      }
      const auto headers = reader.next(hash, recipients);
      return headers ? std::optional(records::headers_frame(*headers)) : std::nullopt;
    };
    while (const auto frame = next()) write(*frame);
  } catch (const Error& error) {
    outcome.refused = error.code();
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView bytes(data + 1, size - 1);
  const bool has_cover = (data[0] & 0x80) != 0;
  const bool has_nonces = (data[0] & 0x40) != 0;
  const Outcome whole = read(bytes, SIZE_MAX, has_cover, has_nonces);
  if (whole != read(bytes, data[0] % 16 + 1U, has_cover, has_nonces)) __builtin_trap();
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
