#include "client/verified_output.h"

#include <sys/stat.h>

#include "tests/client/fixtures.h"

namespace letterbox::client {
namespace {

mode_t mode_of(const std::filesystem::path& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  return status.st_mode & 0777U;
}

// A plaintext whose last chunk turns out to be false.
class FalseEnd final : public Source {
 public:
  ByteView next() override {
    if (count_++ < 3) return bytes_;
    throw Error(ErrorCode::kIntegrity, "the last chunk isn't authentic");
  }

 private:
  Bytes bytes_ = pattern(100'000);
  int count_ = 0;
};

class PassedOn final : public Source {
 public:
  explicit PassedOn(Source& source) : source_(source) {}
  ByteView next() override { return source_.next(); }

 private:
  Source& source_;
};

const Opening kPlain = [](Source& source) { return std::make_unique<PassedOn>(source); };

TEST(VerifiedOutput, AppearsWholeAndPrivate) {
  const TemporaryDirectory place;
  VerifiedOutput output(place.path());
  output.write(pattern(10));
  EXPECT_TRUE(place.names().empty());
  output.keep(place / "out", false);
  EXPECT_EQ(read_file(place / "out"), pattern(10));
  EXPECT_EQ(mode_of(place / "out"), 0600U);
  EXPECT_EQ(place.names().size(), 1U);
}

TEST(VerifiedOutput, LeavesNothingWhenItIsntKept) {
  const TemporaryDirectory place;
  {
    VerifiedOutput output(place.path());
    output.write(pattern(1000));
  }
  EXPECT_TRUE(place.names().empty());
}

TEST(VerifiedOutput, NeverOverwritesUnlessToldTo) {
  const TemporaryDirectory place;
  write_file(place / "out", as_bytes("before"));
  {
    VerifiedOutput output(place.path());
    output.write(as_bytes("after"));
    EXPECT_EQ(thrown_by([&] { output.keep(place / "out", false); }), ErrorCode::kConflict);
  }
  EXPECT_EQ(read_file(place / "out"), Bytes({'b', 'e', 'f', 'o', 'r', 'e'}));
  VerifiedOutput output(place.path());
  output.write(as_bytes("after"));
  output.keep(place / "out", true);
  EXPECT_EQ(as_text(read_file(place / "out")), "after");
  EXPECT_EQ(place.names().size(), 1U);
}

TEST(VerifiedOutput, SaysThatADirectoryCanNotBeUsed) {
  const TemporaryDirectory place;
  EXPECT_EQ(thrown_by([&] { VerifiedOutput output(place / "missing"); }), ErrorCode::kFile);
}

TEST(Release, LeavesNothingWhenTheEndIsFalse) {
  const TemporaryDirectory place;
  const TemporaryDirectory spool;
  FalseEnd source;
  const Destination destination{.directory = place.path(), .name = "out", .stem = ""};
  EXPECT_EQ(thrown_by([&] { release(source, kPlain, destination, spool.path()); }),
            ErrorCode::kIntegrity);
  EXPECT_TRUE(place.names().empty());
  EXPECT_TRUE(spool.names().empty());
}

TEST(Release, WritesNothingToStandardOutputWhenTheEndIsFalse) {
  const TemporaryDirectory spool;
  const Bytes age_file = pattern(100);
  ViewSource source(age_file);
  const Opening opens_falsely = [](Source&) { return std::make_unique<FalseEnd>(); };
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(
      thrown_by([&] { release(source, opens_falsely, {.standard_output = true}, spool.path()); }),
      ErrorCode::kIntegrity);
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  EXPECT_TRUE(spool.names().empty());
}

TEST(Release, WritesToStandardOutputWhatWasVerified) {
  const TemporaryDirectory spool;
  const Bytes content = pattern(300'000);
  ViewSource source(content);
  ::testing::internal::CaptureStdout();
  release(source, kPlain, {.standard_output = true}, spool.path());
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), as_text(content));
  EXPECT_TRUE(spool.names().empty());
}

TEST(Release, NamesAFileAfterItsVerifiedContent) {
  const TemporaryDirectory place;
  Bytes dicom(128, 0);
  for (const char letter : {'D', 'I', 'C', 'M'}) dicom.push_back(static_cast<Byte>(letter));
  const std::vector<std::pair<Bytes, std::string>> cases = {
      {dicom, ".dcm"},
      {{0xFF, 0xD8, 0xFF, 0xE0}, ".jpg"},
      {{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'}, ".png"},
      {{'t', 'e', 'x', 't'}, ".bin"},
      {{}, ".bin"}};
  for (const auto& [content, extension] : cases) {
    ViewSource source(content, 1);
    const auto path = release(source, kPlain,
                              {.directory = place.path(), .stem = "file", .overwrite = true}, "/");
    EXPECT_EQ(path, place / ("file" + extension));
    EXPECT_EQ(read_file(path), content);
  }
}

}  // namespace
}  // namespace letterbox::client
