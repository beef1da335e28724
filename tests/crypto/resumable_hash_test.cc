#include "crypto/resumable_hash.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "tests/crypto/support.h"

namespace letterbox::crypto {
namespace {

Bytes some_bytes(std::size_t count) {
  Bytes bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<Byte>(i * 37 + i / 251);
  return bytes;
}

TEST(ResumableSha256, IsSha256) {
  ResumableSha256 hash;
  EXPECT_EQ(to_hex(hash.digest()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  hash.update(as_bytes("abc"));
  EXPECT_EQ(to_hex(hash.digest()),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(ResumableSha256, GoesOnFromAnyPlace) {
  const Bytes all = some_bytes(300);
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    ResumableSha256 before;
    before.update(ByteView(all).first(cut));
    const Bytes kept = before.state();
    ResumableSha256 after(kept);
    EXPECT_EQ(after.state(), kept);
    after.update(ByteView(all).subspan(cut));
    EXPECT_EQ(after.digest(), sha256(all)) << cut;
  }
}

// Kept by one version of the program, it must be understood by each later one.
TEST(ResumableSha256, KeepsItsStateInAFormThatStays) {
  ResumableSha256 hash;
  hash.update(as_bytes("abc"));
  EXPECT_EQ(to_hex(hash.state()),
            "0000000000000003"
            "6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19"
            "616263")
      << "the count, FIPS 180-4's initial value (section 5.3.3), and what waits for its block";
}

TEST(ResumableSha256, CountsBeyondFourGibibytes) {
  // The state of a message that is far longer than 2^32 bits: only the count differs.
  ResumableSha256 hash;
  hash.update(some_bytes(64));
  Bytes state = hash.state();
  state[3] = 1;  // 2^32 bytes more
  ResumableSha256 longer(state);
  EXPECT_EQ(longer.state(), state);
  EXPECT_NE(longer.digest(), hash.digest());
}

TEST(ResumableSha256, RefusesWhatIsNoState) {
  ResumableSha256 hash;
  hash.update(some_bytes(70));
  const Bytes state = hash.state();
  const auto refuses = [](const Bytes& bytes) {
    try {
      const ResumableSha256 resumed(bytes);
    } catch (const Error& error) {
      return error.code() == ErrorCode::kIntegrity;
    }
    return false;
  };
  EXPECT_TRUE(refuses({}));
  for (std::size_t size = 0; size < state.size(); ++size) {
    EXPECT_TRUE(refuses(Bytes(state.begin(), state.begin() + static_cast<std::ptrdiff_t>(size))));
  }
  Bytes longer = state;
  longer.push_back(0);
  EXPECT_TRUE(refuses(longer));
  Bytes huge = state;
  huge[0] = 0x20;
  EXPECT_TRUE(refuses(huge));
}

}  // namespace
}  // namespace letterbox::crypto
