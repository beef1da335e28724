// A payload passes the Screener unchanged or not at all, and opens only if sealing what came out
// gives the same payload again. The first byte says how many sixteenths of a chunk, at most 32, all
// zero, stand before the rest, so that short inputs reach the ends of chunks.
#include "crypto/stream.h"

#include <algorithm>

#include "base/error.h"

using namespace letterbox;

namespace {

template <typename Rows>
void append_rows(Bytes& bytes, Rows& rows) {
  while (const auto row = rows.next())
    bytes.insert(bytes.end(), row->view().begin(), row->view().end());
}

void screen(const Bytes& payload) {
  ViewSource source(payload, 5000);
  crypto::Screener screener(source);
  Bytes passed(screener.nonce().begin(), screener.nonce().end());
  append_rows(passed, screener);
  if (passed != payload) __builtin_trap();
}

void open(const Bytes& payload) {
  const crypto::FileKey file_key;
  ViewSource source(payload, 5000);
  crypto::Opener opener(file_key, source);
  const Bytes plaintext = read_all(opener, SIZE_MAX);
  crypto::PayloadNonce nonce;
  std::copy_n(payload.begin(), nonce.size(), nonce.begin());
  Bytes again(nonce.begin(), nonce.end());
  ViewSource plain(plaintext);
  crypto::Sealer sealer(file_key, nonce, plain);
  append_rows(again, sealer);
  if (again != payload) __builtin_trap();
}

template <typename Action>
void expect_only(ErrorCode code, Action action) {
  try {
    action();
  } catch (const Error& error) {
    if (error.code() != code) __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Bytes payload(data[0] % 33 * (crypto::kSealedChunkSize / 16));
  payload.insert(payload.end(), data + 1, data + size);
  expect_only(ErrorCode::kMalformed, [&] { screen(payload); });
  expect_only(ErrorCode::kIntegrity, [&] { open(payload); });
  return 0;
}
