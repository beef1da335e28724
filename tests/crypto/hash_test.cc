#include "crypto/hash.h"

#include <gtest/gtest.h>

#include "tests/crypto/support.h"

namespace letterbox::crypto {
namespace {

TEST(Sha256, AgreesWithFips180) {
  EXPECT_EQ(to_hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256(as_bytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, TakesAMillionBytesInPieces) {
  Sha256 hash;
  const Bytes piece(1000, 'a');
  for (int i = 0; i < 1000; ++i) hash.update(piece);
  EXPECT_EQ(to_hex(hash.finish()),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, CanBeMovedBetweenPieces) {
  Sha256 first;
  first.update(as_bytes("a"));
  Sha256 second = std::move(first);
  second.update(as_bytes("bc"));
  EXPECT_EQ(second.finish(), sha256(as_bytes("abc")));
}

}  // namespace
}  // namespace letterbox::crypto
