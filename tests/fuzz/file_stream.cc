// Age files in a stream are the same whatever portions they come in, what is read of them writes
// back to its bytes, and none is longer than it can be. The first byte says whether small files or
// indexes come, and how large the portions are.
#include "client/file_stream.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "crypto/header.h"

using namespace letterbox;

namespace {

// Three are due: two small files, and one that a manifest says is larger than it may come.
client::ManifestEntries due() {
  const auto entry = [](const char* id, std::uint64_t length) {
    return records::ManifestEntry{*Uuid::parse(id), length, {}};
  };
  return {entry("01997d3c-5a00-7abc-8def-000000000001", 33),
          entry("01997d3c-5a00-7abc-8def-000000000000", 32),
          entry("01997d3c-5a00-7abc-8def-000000000003", client::kSmallPayload + 1)};
}

struct Outcome {
  Bytes written;  ///< of what was read, anew
  bool refused = false;
  bool operator==(const Outcome&) const = default;
};

Outcome read(ByteView bytes, std::size_t portion, const client::FileStreamKind& kind) {
  Outcome outcome;
  try {
    ViewSource source(bytes, portion);
    client::FileStream stream(source, kind, due());
    while (const auto file = stream.next()) {
      if (file->bytes.size() > crypto::kMaxHeaderSize + kind.largest_payload) __builtin_trap();
      const auto id = file->file.bytes();
      outcome.written.insert(outcome.written.end(), id.begin(), id.end());
      for (std::size_t i = kind.length_size; i > 0; --i)
        outcome.written.push_back(static_cast<Byte>(file->bytes.size() >> 8 * (i - 1)));
      outcome.written.insert(outcome.written.end(), file->bytes.begin(), file->bytes.end());
    }
  } catch (const client::Refused& refusal) {
    if (refusal.check() != kind.check || refusal.code() != ErrorCode::kIntegrity) __builtin_trap();
    outcome.refused = true;
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView bytes(data + 1, size - 1);
  client::FileStreamKind kind = client::kSmallFiles;
  if ((data[0] & 0x80) != 0) kind = {4, client::kSmallPayload, client::checks::kIndexes};
  const Outcome whole = read(bytes, SIZE_MAX, kind);
  if (whole != read(bytes, data[0] % 16 + 1U, kind)) __builtin_trap();
  if (whole.written.size() > bytes.size() ||
      !std::ranges::equal(whole.written, bytes.first(whole.written.size())))
    __builtin_trap();
  if (!whole.refused && whole.written.size() != bytes.size()) __builtin_trap();
  return 0;
}
