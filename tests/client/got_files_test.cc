#include "client/got_files.h"

#include "tests/client/fixtures.h"

namespace letterbox::client {
namespace {

TEST(GotFiles, AreThereUntilSomebodyTouchesThem) {
  const TemporaryDirectory place;
  const Home home(place / "home");
  const Uuid delivery = Uuid::v7();
  const Uuid file = Uuid::v7();
  const std::vector names = {place / "name.dcm", place / "name.jpg"};
  write_file(names[1], pattern(10));
  GotFiles(home, delivery).add(file, names[1]);

  EXPECT_EQ(GotFiles(home, delivery).find(file, names), names[1]);
  EXPECT_FALSE(GotFiles(home, delivery).find(Uuid::v7(), names));
  EXPECT_FALSE(GotFiles(home, Uuid::v7()).find(file, names));
  write_file(names[1], pattern(11));
  EXPECT_FALSE(GotFiles(home, delivery).find(file, names));

  GotFiles(home, delivery).add(file, names[1]);
  EXPECT_TRUE(GotFiles(home, delivery).find(file, names));
  GotFiles(home, delivery).forget();
  EXPECT_FALSE(GotFiles(home, delivery).find(file, names));
}

TEST(GotFiles, DontSayTheirNames) {
  const TemporaryDirectory place;
  const Home home(place / "home");
  write_file(place / "patient.dcm", pattern(10));
  GotFiles(home, Uuid::v7()).add(Uuid::v7(), place / "patient.dcm");
  for (const auto& entry : std::filesystem::directory_iterator(home.incoming()))
    EXPECT_EQ(as_text(read_file(entry.path())).find("patient"), std::string_view::npos);
}

}  // namespace
}  // namespace letterbox::client
