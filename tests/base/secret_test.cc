#include "base/secret.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>

namespace {

// What the freed memory of a secret held when it was freed: the program's own operator delete
// looks, because afterwards nobody may.
const void* watched = nullptr;
std::size_t watched_size = 0;
int wiped_frees = 0;
int unwiped_frees = 0;

void look(void* memory) {
  if (memory == nullptr || memory != watched) return;
  const auto* bytes = static_cast<const volatile unsigned char*>(memory);
  const bool wiped = std::all_of(bytes, bytes + watched_size, [](auto byte) { return byte == 0; });
  ++(wiped ? wiped_frees : unwiped_frees);
  watched = nullptr;
}

}  // namespace

void* operator new(std::size_t size) {
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  look(memory);
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  look(memory);
  std::free(memory);
}

namespace letterbox {
namespace {

void watch(std::span<const Byte> secret) {
  watched = secret.data();
  watched_size = secret.size();
  wiped_frees = unwiped_frees = 0;
}

Secret<4> secret_of(std::array<Byte, 4> bytes) {
  Secret<4> secret;
  std::copy(bytes.begin(), bytes.end(), secret.reveal().begin());
  return secret;
}

Bytes bytes_of(std::span<const Byte> view) {
  return {view.begin(), view.end()};
}

const Bytes kZero(4, 0);

static_assert(!std::is_copy_constructible_v<Secret<16>>);
static_assert(!std::is_copy_assignable_v<Secret<16>>);
static_assert(!std::is_copy_constructible_v<SecretBytes>);
static_assert(!std::is_copy_assignable_v<SecretBytes>);
static_assert(std::is_nothrow_move_constructible_v<Secret<16>>);
static_assert(std::is_nothrow_move_constructible_v<SecretBytes>);

TEST(SecretTest, BeginsAsZeros) {
  EXPECT_EQ(bytes_of(Secret<4>().reveal()), kZero);
}

TEST(SecretTest, MovingLeavesNothingBehind) {
  Secret<4> from = secret_of({1, 2, 3, 4});
  Secret<4> constructed(std::move(from));
  EXPECT_EQ(bytes_of(constructed.reveal()), (Bytes{1, 2, 3, 4}));
  EXPECT_EQ(bytes_of(from.reveal()), kZero);  // NOLINT(*use-after-move,*.Move)

  Secret<4> assigned = secret_of({9, 9, 9, 9});
  assigned = std::move(constructed);
  EXPECT_EQ(bytes_of(assigned.reveal()), (Bytes{1, 2, 3, 4}));
  EXPECT_EQ(bytes_of(constructed.reveal()), kZero);  // NOLINT(*use-after-move,*.Move)
}

TEST(SecretTest, SurvivesBeingMovedToItself) {
  Secret<4> secret = secret_of({1, 2, 3, 4});
  Secret<4>& same = secret;
  secret = std::move(same);
  EXPECT_EQ(bytes_of(secret.reveal()), (Bytes{1, 2, 3, 4}));
}

TEST(SecretTest, IsWipedWhenItDies) {
  auto secret = std::make_unique<Secret<4>>(secret_of({1, 2, 3, 4}));
  watch(secret->reveal());
  secret.reset();
  EXPECT_EQ(wiped_frees, 1);
  EXPECT_EQ(unwiped_frees, 0);
}

TEST(SecretBytesTest, IsWipedBeforeItsMemoryIsFreed) {
  {
    const SecretBytes secret(as_bytes("passphrase"));
    watch(secret.reveal());
  }
  EXPECT_EQ(wiped_frees, 1);
  EXPECT_EQ(unwiped_frees, 0);
}

TEST(SecretBytesTest, IsWipedBeforeAnotherTakesItsPlace) {
  SecretBytes secret(as_bytes("passphrase"));
  watch(secret.reveal());
  secret = SecretBytes(as_bytes("another"));
  EXPECT_EQ(wiped_frees, 1);
  EXPECT_EQ(unwiped_frees, 0);
  EXPECT_EQ(secret.reveal_text(), "another");
}

TEST(SecretBytesTest, MovingHandsTheMemoryOver) {
  SecretBytes from(as_bytes("passphrase"));
  const Byte* memory = from.reveal().data();
  const SecretBytes to(std::move(from));
  EXPECT_EQ(to.reveal().data(), memory);
  EXPECT_EQ(to.reveal_text(), "passphrase");
  EXPECT_TRUE(from.empty());  // NOLINT(*use-after-move,*.Move)
}

TEST(SecretBytesTest, WithoutMemoryHasNothingToWipe) {
  SecretBytes empty;
  empty.truncate(0);
  empty = SecretBytes();
  wipe({});
  EXPECT_TRUE(empty.empty());
}

TEST(SecretBytesTest, TruncatingWipesWhatIsCut) {
  SecretBytes secret(as_bytes("passphrase"));
  watch(secret.reveal());  // all ten bytes, also after the cut
  secret.truncate(4);
  EXPECT_EQ(secret.reveal_text(), "pass");
  EXPECT_EQ(secret.size(), 4U);
  secret.truncate(5);
  EXPECT_EQ(secret.reveal_text(), "pass");
  std::fill(secret.reveal().begin(), secret.reveal().end(), Byte{0});
  secret = SecretBytes();
  EXPECT_EQ(wiped_frees, 1);
  EXPECT_EQ(unwiped_frees, 0);
}

}  // namespace
}  // namespace letterbox
