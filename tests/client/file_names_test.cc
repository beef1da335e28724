#include "client/file_names.h"

#include <gtest/gtest.h>

namespace letterbox::client {
namespace {

TEST(FileNames, AreTheSendersWithoutTheirExtension) {
  EXPECT_EQ(stem_of("IM0001.dcm"), "IM0001");
  EXPECT_EQ(stem_of("IM0001"), "IM0001");
  EXPECT_EQ(stem_of("photo.JPEG"), "photo");
  EXPECT_EQ(stem_of("wunde, tag 3.png"), "wunde, tag 3");
  EXPECT_EQ(stem_of("山田.dcm"), "山田");
  EXPECT_EQ(stem_of("1.2.840.113619"), "1.2.840.113619");
}

TEST(FileNames, AnotherExtensionIsPartOfTheName) {
  EXPECT_EQ(stem_of("report.pdf"), "report.pdf");
  EXPECT_EQ(stem_of("os.py"), "os.py");
}

TEST(FileNames, HarmfulOnesAreNone) {
  for (const char* name : {"",
                           ".",
                           "..",
                           ".dcm",
                           ".bashrc",
                           "../../etc/passwd",
                           "/etc/passwd",
                           "a/b.dcm",
                           "a\\b.dcm",
                           "c:x.dcm",
                           "-rf.dcm",
                           "~root.dcm",
                           " a.dcm",
                           "a .dcm",
                           "a..dcm",
                           "a\nb.dcm",
                           "a\033[2J.dcm",
                           "gpj.\xe2\x80\xaenosj.dcm",
                           "caf\xe9.dcm",
                           "a*.dcm",
                           "a?.dcm",
                           "a|b.dcm"})
    EXPECT_FALSE(stem_of(name)) << name;
  EXPECT_FALSE(stem_of(std::string(201, 'x')));
  EXPECT_TRUE(stem_of(std::string(200, 'x') + ".dcm"));
}

TEST(FileNames, WhoSharesOneGoesByTheId) {
  const Uuid first = Uuid::v7();
  const Uuid second = Uuid::v7();
  const Uuid third = Uuid::v7();
  const Uuid nameless = Uuid::v7();
  const auto stems = stems_of(
      {{first, "IM0001.dcm"}, {second, "im0001.JPG"}, {third, "IM0002"}, {nameless, std::nullopt}});
  EXPECT_EQ(stems.at(first), first.text());
  EXPECT_EQ(stems.at(second), second.text());
  EXPECT_EQ(stems.at(third), "IM0002");
  EXPECT_EQ(stems.at(nameless), nameless.text());
}

TEST(FileNames, NobodyTakesAnothersId) {
  const Uuid file = Uuid::v7();
  const Uuid other = Uuid::v7();
  const auto stems = stems_of({{file, std::nullopt}, {other, file.text() + ".dcm"}});
  EXPECT_EQ(stems.at(file), file.text());
  EXPECT_EQ(stems.at(other), other.text());
}

}  // namespace
}  // namespace letterbox::client
