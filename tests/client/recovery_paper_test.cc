#include "client/recovery_paper.h"

#include <algorithm>
#include <string>

#include "tests/client/fixtures.h"

namespace letterbox::client {
namespace {

using crypto::RecoveryKey;

// One of tests/vectors/recovery, as docs/format.md shows it.
const char* const kText =
    "LETTERBOX-RECOVERY-1GZ3PJMU408N78PK5D7TU7SA6LPFAK6K4TLXQF068UZQLAC70079SYSGVSD";
const char* const kPaper = R"(LETTERBOX-RECOVERY-1
GZ3P JMU4 08N7 8PK5 D7TU
7SA6 LPFA K6K4 TLXQ F068
UZQL AC70 079S YSGV SD
)";

bool is_the_key(std::string_view typed) {
  const auto key = read_recovery_paper(typed);
  return key && key->text().reveal_text() == kText;
}

TEST(RecoveryPaper, IsFourLinesInGroups) {
  EXPECT_EQ(format_recovery_paper(*RecoveryKey::parse(kText)).reveal_text(), kPaper);
}

TEST(RecoveryPaper, IsReadBack) {
  for (int i = 0; i < 100; ++i) {
    const RecoveryKey key = RecoveryKey::generate();
    const auto read = read_recovery_paper(format_recovery_paper(key).reveal_text());
    ASSERT_TRUE(read);
    EXPECT_EQ(read->text().reveal_text(), key.text().reveal_text());
  }
}

TEST(RecoveryPaper, IsReadHoweverItWasTyped) {
  std::string lower = kPaper;
  std::ranges::transform(lower, lower.begin(), [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  });
  const std::string paper = kPaper;
  const std::string without_heading = paper.substr(paper.find('\n') + 1);
  std::string dashes = without_heading;
  std::ranges::replace(dashes, ' ', '-');
  for (const std::string& typed :
       {std::string(kText), paper, lower, without_heading, dashes, "  " + paper + "\r\n\t"})
    EXPECT_TRUE(is_the_key(typed)) << typed;
}

TEST(RecoveryPaper, TakesLettersThatNoKeyHasForTheirLikes) {
  std::string typed = kPaper;
  std::size_t start = typed.find('\n');
  for (const auto& [right, mistaken] : {std::pair('8', 'B'), {'L', '1'}, {'L', 'i'}, {'0', 'o'}}) {
    std::string other = typed;
    std::replace(other.begin() + static_cast<std::ptrdiff_t>(start), other.end(), right, mistaken);
    ASSERT_NE(other, typed) << right;
    EXPECT_TRUE(is_the_key(other)) << other;
  }
}

TEST(RecoveryPaper, WithAMistakeOrUnfinishedIsNone) {
  const std::string paper = kPaper;
  for (std::size_t i = paper.find('\n'); i < paper.size(); ++i) {
    if (paper[i] == ' ' || paper[i] == '\n') continue;
    std::string wrong = paper;
    wrong[i] = paper[i] == 'Q' ? 'P' : 'Q';
    EXPECT_FALSE(read_recovery_paper(wrong)) << wrong;
    EXPECT_FALSE(read_recovery_paper(paper.substr(0, i))) << i;
  }
  for (const std::string& typed : {std::string(), std::string("LETTERBOX-RECOVERY-1"),
                                   std::string("LETTER"), paper + "Q", paper + paper})
    EXPECT_FALSE(read_recovery_paper(typed)) << typed;
}

}  // namespace
}  // namespace letterbox::client
