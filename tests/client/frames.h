// Streams of age files, as a gateway sends them.
#pragma once

#include <vector>

#include "tests/client/fixtures.h"

namespace letterbox::client {

/// One file's frame, which says that it is `length` bytes long.
inline Bytes frame(const SealedFile& file, std::size_t length_size, std::uint64_t length) {
  Bytes bytes(file.entry.id.bytes().begin(), file.entry.id.bytes().end());
  for (std::size_t i = length_size; i > 0; --i)
    bytes.push_back(static_cast<Byte>(length >> 8 * (i - 1)));
  bytes.insert(bytes.end(), file.age_file.begin(), file.age_file.end());
  return bytes;
}

inline Bytes stream_of(const std::vector<SealedFile>& files, std::size_t length_size) {
  Bytes stream;
  for (const SealedFile& file : files) {
    const Bytes one = frame(file, length_size, file.age_file.size());
    stream.insert(stream.end(), one.begin(), one.end());
  }
  return stream;
}

/// Expects that `action` is refused, by the check of this name.
template <typename Action>
void expect_refused(const char* check, Action action) {
  try {
    action();
    ADD_FAILURE() << "nothing was refused; expected the check: " << check;
  } catch (const Refused& refusal) {
    EXPECT_STREQ(refusal.check(), check) << refusal.what();
  }
}

}  // namespace letterbox::client
