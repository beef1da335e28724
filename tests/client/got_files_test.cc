#include "client/got_files.h"

#include "client/files.h"
#include "client/verified_output.h"
#include "tests/client/fixtures.h"

namespace letterbox::client {
namespace {

void add(const Home& home, const Uuid& delivery, const Uuid& file,
         const std::filesystem::path& path) {
  const FileDescriptor descriptor = open_to_read(path.string(), "the file");
  GotFiles(home, delivery).add(file, descriptor.get());
}

TEST(GotFiles, AreThereUntilSomebodyTouchesThem) {
  const TemporaryDirectory place;
  const Home home(place / "home");
  const Uuid delivery = Uuid::v7();
  const Uuid file = Uuid::v7();
  const std::vector names = {place / "name.dcm", place / "name.jpg"};
  write_file(names[1], pattern(10));
  add(home, delivery, file, names[1]);

  EXPECT_EQ(GotFiles(home, delivery).find(file, names), names[1]);
  EXPECT_FALSE(GotFiles(home, delivery).find(Uuid::v7(), names));
  EXPECT_FALSE(GotFiles(home, Uuid::v7()).find(file, names));
  write_file(names[1], pattern(11));
  EXPECT_FALSE(GotFiles(home, delivery).find(file, names));

  add(home, delivery, file, names[1]);
  EXPECT_TRUE(GotFiles(home, delivery).find(file, names));
  GotFiles(home, delivery).forget();
  EXPECT_FALSE(GotFiles(home, delivery).find(file, names));
}

// A get that was killed between the two would find a file of its own in its way.
TEST(GotFiles, AreKnownBeforeTheyHaveTheirNames) {
  const TemporaryDirectory place;
  const Home home(place / "home");
  const Uuid delivery = Uuid::v7();
  const Uuid file = Uuid::v7();
  const std::vector names = {place / "name.bin"};
  const Bytes content = pattern(10);
  ViewSource source(content);
  const Destination destination{
      .directory = place.path(), .stem = "name", .before_naming = [&](int descriptor) {
        EXPECT_FALSE(std::filesystem::exists(names[0]));
        GotFiles(home, delivery).add(file, descriptor);
        EXPECT_FALSE(GotFiles(home, delivery).find(file, names));
      }};
  const Opening as_it_is = [](Source& sealed) {
    return std::make_unique<PrefixedSource>(Bytes(), sealed);
  };
  release(source, as_it_is, destination, place.path());
  EXPECT_EQ(GotFiles(home, delivery).find(file, names), names[0]);
}

TEST(GotFiles, DontSayTheirNames) {
  const TemporaryDirectory place;
  const Home home(place / "home");
  write_file(place / "patient.dcm", pattern(10));
  add(home, Uuid::v7(), Uuid::v7(), place / "patient.dcm");
  for (const auto& entry : std::filesystem::directory_iterator(home.incoming()))
    EXPECT_EQ(as_text(read_file(entry.path())).find("patient"), std::string_view::npos);
}

}  // namespace
}  // namespace letterbox::client
