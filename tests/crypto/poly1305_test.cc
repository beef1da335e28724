#include "crypto/poly1305.h"

#include <gtest/gtest.h>

#include "tests/crypto/support.h"

namespace letterbox::crypto {
namespace {

// RFC 8439 section 2.5.2.
TEST(Poly1305, AgreesWithItsRfcWhateverThePieces) {
  const Secret<32> key =
      secret_of<32>(from_hex("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b"));
  const ByteView message = as_bytes("Cryptographic Forum Research Group");
  for (const std::size_t size : {std::size_t{1}, std::size_t{16}, message.size()}) {
    Poly1305 poly(key);
    ViewSource pieces(message, size);
    for (ByteView piece = pieces.next(); !piece.empty(); piece = pieces.next()) poly.update(piece);
    EXPECT_EQ(to_hex(poly.finish()), "a8061dc1305136c6c22b8baf0c0127a9");
  }
}

}  // namespace
}  // namespace letterbox::crypto
