#include "client/addressees.h"

#include "tests/client/fixtures.h"

namespace letterbox::client {
namespace {

class AddresseesTest : public ::testing::Test {
 protected:
  const Device ada{"ada@clinic.example"};
  const Device bob{"bob@clinic.example"};
  const Device bobs_other{"bob@clinic.example"};
  const Device eve{"eve@elsewhere.example"};
  const std::vector<records::DeviceRecord> known = {ada.record(), bob.record(),
                                                    bobs_other.record()};
};

TEST_F(AddresseesTest, TakesHandlesAndKeysAndNothingElse) {
  const std::string key = bob.identity.recipient().text();
  EXPECT_EQ(Addressees({key, "ada@clinic.example"}).texts(),
            (std::vector<std::string>{"ada@clinic.example", key}));
  for (const char* text : {"", "bob", "Bob@clinic.example", "age1", "\033[2J@x"})
    EXPECT_EQ(thrown_by([&] { Addressees({text}); }), ErrorCode::kUsage) << text;
  EXPECT_EQ(thrown_by([] { Addressees({}); }), ErrorCode::kUsage);
}

TEST_F(AddresseesTest, AcceptsACoverForAllDevicesOfWhomWasAskedFor) {
  const Addressees asked({"bob@clinic.example", ada.identity.recipient().text()});
  const std::vector<const Device*> to = {&bob, &bobs_other, &ada};
  EXPECT_FALSE(thrown_by([&] { asked.check(cover_from(ada, to), known); }));
}

TEST_F(AddresseesTest, StopsAtAGhostAndNamesIt) {
  const Device ghost("bob@clinic.example");
  const Addressees asked({"bob@clinic.example"});
  try {
    asked.check(cover_from(ada, {&bob, &ghost}), known);
    FAIL() << "the ghost got in";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUntrustedKey);
    const std::string message = error.what();
    EXPECT_NE(message.find("bob@clinic.example"), std::string::npos);
    EXPECT_NE(message.find(ghost.identity.recipient().text()), std::string::npos);
  }
}

TEST_F(AddresseesTest, StopsAtAKnownKeyUnderAnotherHandle) {
  Device renamed("eve@elsewhere.example");
  records::Cover cover = cover_from(ada, {&bob});
  cover.recipients[0].handle = renamed.handle;
  EXPECT_EQ(thrown_by([&] { Addressees({"eve@elsewhere.example"}).check(cover, known); }),
            ErrorCode::kUntrustedKey);
}

TEST_F(AddresseesTest, StopsAtSomebodyKnownWhoWasNotAskedFor) {
  EXPECT_EQ(thrown_by([&] {
              Addressees({"bob@clinic.example"}).check(cover_from(ada, {&bob, &ada}), known);
            }),
            ErrorCode::kCoverMismatch);
}

TEST_F(AddresseesTest, StopsWhenSomebodyIsLeftOut) {
  EXPECT_EQ(thrown_by([&] {
              Addressees({"bob@clinic.example", "ada@clinic.example"})
                  .check(cover_from(ada, {&bob}), known);
            }),
            ErrorCode::kCoverMismatch);
  EXPECT_EQ(thrown_by([&] {
              Addressees({"bob@clinic.example", ada.identity.recipient().text()})
                  .check(cover_from(ada, {&bob}), known);
            }),
            ErrorCode::kCoverMismatch);
}

}  // namespace
}  // namespace letterbox::client
