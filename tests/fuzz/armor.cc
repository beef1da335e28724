// What the armor yields doesn't depend on how its text was cut into pieces; what isn't armor or an
// age file is malformed; and what comes through looks like one.
#include <optional>

#include "base/error.h"
#include "crypto/passphrase_file.h"

using namespace letterbox;

namespace {

std::optional<Bytes> dearmor(ByteView text, std::size_t piece) {
  try {
    ViewSource source(text, piece);
    crypto::Dearmor binary(source);
    return read_all(binary, SIZE_MAX);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kMalformed) __builtin_trap();
    return std::nullopt;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView text(data, size);
  const auto whole = dearmor(text, SIZE_MAX);
  if (dearmor(text, 1) != whole || dearmor(text, 67) != whole) __builtin_trap();
  if (whole && !crypto::looks_like_age(text)) __builtin_trap();
  return 0;
}
