#include "client/spool.h"

#include "crypto/hash.h"
#include "tests/client/fixtures.h"

namespace letterbox::client {
namespace {

TEST(Spool, GivesBackWhatItTookAsOftenAsAsked) {
  const TemporaryDirectory place;
  const Bytes bytes = pattern(3'000'000);
  ViewSource source(bytes, 70'001);
  Spool spool(source, place.path());
  EXPECT_EQ(spool.length(), bytes.size());
  EXPECT_EQ(spool.sha256(), crypto::sha256(bytes));
  for (int i = 0; i < 2; ++i) {
    DescriptorSource again = spool.read();
    EXPECT_EQ(drain(again), bytes);
  }
}

TEST(Spool, HasNoNameThatOutlivesIt) {
  const TemporaryDirectory place;
  {
    const Bytes bytes = pattern(10);
    ViewSource source(bytes);
    const Spool spool(source, place.path());
    EXPECT_TRUE(place.names().empty());
  }
  EXPECT_TRUE(place.names().empty());
}

TEST(Spool, OfNothingIsEmpty) {
  const TemporaryDirectory place;
  ViewSource source(ByteView{});
  Spool spool(source, place.path());
  EXPECT_EQ(spool.length(), 0U);
  EXPECT_EQ(spool.sha256(), crypto::sha256({}));
}

}  // namespace
}  // namespace letterbox::client
