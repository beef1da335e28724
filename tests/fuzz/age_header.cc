// A header that parses is written back to the same bytes, however it was cut into pieces; all else
// is refused as malformed or too large.
#include <algorithm>

#include "base/error.h"
#include "crypto/header.h"

using namespace letterbox;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView file(data, size);
  try {
    ViewSource source(file, 1 + size % 61);
    Bytes rest;
    const crypto::Header header = crypto::read_header(source, rest);
    const ByteView bytes = file.first(header.bytes.size());
    const Bytes written = crypto::format_header(crypto::FileKey(), header.stanzas);
    const auto authenticated = ByteView(written).first(header.authenticated.size());
    if (!std::equal(bytes.begin(), bytes.end(), header.bytes.begin(), header.bytes.end()) ||
        !std::equal(authenticated.begin(), authenticated.end(), header.authenticated.begin()) ||
        crypto::parse_header(bytes).stanzas != header.stanzas) {
      __builtin_trap();
    }
    crypto::named_cover(header);
    crypto::screen_header(header, crypto::CoverHash{}, header.stanzas.size() - 1);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kMalformed && error.code() != ErrorCode::kTooLarge &&
        error.code() != ErrorCode::kCoverMismatch) {
      __builtin_trap();
    }
  }
  return 0;
}
