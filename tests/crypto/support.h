// What several tests of crypto/ need.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "crypto/header.h"
#include "crypto/stream.h"

namespace letterbox::crypto {

/// `size` bytes that look random and are the same each time.
inline Bytes some_bytes(std::size_t size, std::uint32_t seed = 1) {
  std::mt19937 generator(seed);
  Bytes bytes(size);
  for (Byte& byte : bytes) byte = static_cast<Byte>(generator());
  return bytes;
}

inline Bytes from_hex(std::string_view hex) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<Byte>(std::stoul(std::string(hex.substr(i, 2)), nullptr, 16)));
  return bytes;
}

template <std::size_t N>
std::array<Byte, N> array_from_hex(std::string_view hex) {
  const Bytes bytes = from_hex(hex);
  EXPECT_EQ(bytes.size(), N);
  std::array<Byte, N> array{};
  std::copy_n(bytes.begin(), N, array.begin());
  return array;
}

template <std::size_t N>
Secret<N> secret_of(ByteView bytes) {
  Secret<N> secret;
  std::copy_n(bytes.begin(), N, secret.reveal().begin());
  return secret;
}

inline SecretBytes passphrase(std::string_view text) {
  return SecretBytes(as_bytes(text));
}

/// The code of the Error that `action` throws; nothing if it throws none.
template <typename Action>
std::optional<ErrorCode> code_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  return std::nullopt;
}

inline FileKey test_file_key() {
  return secret_of<16>(some_bytes(16, 7));
}
inline constexpr PayloadNonce kTestNonce{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

/// Nonce and chunks.
inline Bytes seal_payload(ByteView plaintext, unsigned threads = 1, std::size_t piece = SIZE_MAX) {
  Bytes payload(kTestNonce.begin(), kTestNonce.end());
  ViewSource source(plaintext, piece);
  Sealer sealer(test_file_key(), kTestNonce, source, threads);
  while (const auto row = sealer.next())
    payload.insert(payload.end(), row->view().begin(), row->view().end());
  return payload;
}

/// What an Opener gave out, and the Error it ended with, if it did.
struct Opened {
  Bytes plaintext;
  std::optional<ErrorCode> error;
};

inline Opened open_payload(ByteView payload, unsigned threads = 1, std::size_t piece = SIZE_MAX,
                           const PayloadNonce* expected_nonce = nullptr) {
  Opened opened;
  opened.error = code_of([&] {
    ViewSource source(payload, piece);
    Opener opener(test_file_key(), source, expected_nonce, threads);
    for (ByteView part = opener.next(); !part.empty(); part = opener.next())
      opened.plaintext.insert(opened.plaintext.end(), part.begin(), part.end());
  });
  return opened;
}

inline bool is_prefix(ByteView part, ByteView whole) {
  return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

}  // namespace letterbox::crypto
