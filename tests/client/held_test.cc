#include "client/held.h"

#include "tests/client/fixtures.h"

namespace letterbox::client {
namespace {

TEST(HeldLetters, AreRemembered) {
  const TemporaryDirectory place;
  const Home home(place / "home");
  EXPECT_TRUE(held_letters(home).empty());
  const Uuid early = *Uuid::parse("01997d3c-59ff-7000-8000-000000000001");
  const HeldLetter first{early, *records::Handle::parse("ada@clinic.example")};
  const HeldLetter second{Uuid::v7(), *records::Handle::parse("bob@clinic.example")};
  remember(home, second);
  remember(home, first);
  const auto letters = held_letters(Home(place / "home"));
  ASSERT_EQ(letters.size(), 2U);
  EXPECT_EQ(letters[0].delivery, first.delivery);
  EXPECT_EQ(letters[0].to, first.to);
  EXPECT_EQ(letters[1].delivery, second.delivery);
}

TEST(HeldLetters, SayWhichNoteIsBroken) {
  const TemporaryDirectory place;
  const Home home(place / "home");
  for (const char* text : {"", "[]", "{}", R"({"delivery":"x","to":"ada@clinic.example"})",
                           R"({"delivery":1,"to":2})"}) {
    write_file(home.held() / "broken.json", as_bytes(text));
    try {
      held_letters(home);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kMalformed);
      EXPECT_NE(std::string(error.what()).find("broken.json"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace letterbox::client
