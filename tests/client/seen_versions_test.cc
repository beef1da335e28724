#include "client/seen_versions.h"

#include "crypto/hash.h"
#include "tests/client/fixtures.h"

namespace letterbox::client {
namespace {

const Uuid kDelivery = *Uuid::parse("01997d3c-59ff-7000-8000-000000000001");
const Uuid kOther = *Uuid::parse("01997d3c-59ff-7000-8000-000000000002");

crypto::CoverHash hash(std::string_view of) {
  return crypto::sha256(as_bytes(of));
}

class Seen : public ::testing::Test {
 protected:
  SeenVersions read() const { return SeenVersions(place / "seen"); }
  std::uint32_t version(const Uuid& delivery = kDelivery) const {
    const auto seen = read().of(delivery);
    return seen ? seen->version : 0;
  }
  void append(const std::string& text) const {
    std::ofstream(place / "seen", std::ios::binary | std::ios::app) << text;
  }

  const TemporaryDirectory place;
};

TEST_F(Seen, TheHighestVersionIsRemembered) {
  EXPECT_FALSE(read().of(kDelivery));
  SeenVersions seen = read();
  seen.remember(kDelivery, {2, hash("two")});
  seen.remember(kDelivery, {1, hash("one")});
  seen.remember(kDelivery, {2, hash("another two")});
  seen.remember(kOther, {1, hash("other")});
  EXPECT_EQ(version(), 2U);
  EXPECT_EQ(read().of(kDelivery)->hash, hash("two"));
  EXPECT_EQ(version(kOther), 1U);
  seen.remember(kDelivery, {10, hash("ten")});
  EXPECT_EQ(version(), 10U);
}

TEST_F(Seen, ProgramsThatRunAtOnceDontUndoEachOther) {
  SeenVersions one = read();
  SeenVersions other = read();
  one.remember(kDelivery, {3, hash("three")});
  other.remember(kDelivery, {2, hash("two")});
  EXPECT_EQ(version(), 3U);
}

TEST_F(Seen, ALineThatBrokeOffSpoilsNoOther) {
  SeenVersions seen = read();
  seen.remember(kDelivery, {2, hash("two")});
  append("\n" + kDelivery.text() + " 9 abc");
  SeenVersions again = read();
  EXPECT_EQ(again.of(kDelivery)->version, 2U);
  again.remember(kDelivery, {3, hash("three")});
  EXPECT_EQ(version(), 3U);
  append(std::string(100, '\0') + "\n" + kOther.text() + " 0 " + to_hex(hash("zero")) + "\n" +
         kOther.text() + " 05 " + to_hex(hash("five")) + "\n");
  EXPECT_EQ(version(), 3U);
  EXPECT_EQ(version(kOther), 0U);
}

TEST_F(Seen, NothingIsWrittenThatIsKnown) {
  SeenVersions seen = read();
  seen.remember(kDelivery, {2, hash("two")});
  const auto size = std::filesystem::file_size(place / "seen");
  read().remember(kDelivery, {2, hash("two")});
  seen.remember(kDelivery, {2, hash("two")});
  EXPECT_EQ(std::filesystem::file_size(place / "seen"), size);
  EXPECT_EQ(std::filesystem::status(place / "seen").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

}  // namespace
}  // namespace letterbox::client
