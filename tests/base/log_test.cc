#include "base/log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>

namespace letterbox {
namespace {

std::string logged_by(const std::function<void()>& action) {
  testing::internal::CaptureStderr();
  action();
  return testing::internal::GetCapturedStderr();
}

auto lines(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n');
}

TEST(LogTest, WritesOneLineAnEventOnStandardError) {
  const std::string line = logged_by([] {
    log::info("file stored", {{"id", "42"}, {"bytes", "1024"}});
  });
  EXPECT_EQ(lines(line), 1);
  EXPECT_TRUE(line.starts_with("time=2"));
  EXPECT_NE(line.find("Z level=info event=\"file stored\" id=\"42\" bytes=\"1024\"\n"),
            std::string::npos)
      << line;
  EXPECT_NE(logged_by([] { log::warn("x"); }).find(" level=warning "), std::string::npos);
  EXPECT_NE(logged_by([] { log::error("x"); }).find(" level=error "), std::string::npos);
}

TEST(LogTest, NoValueCanForgeALine) {
  const std::string line = logged_by([] {
    log::info("refused", {{"peer", "x\"\ntime=2026 level=info event=\"all is well\r\n\x1b[2J"}});
  });
  EXPECT_EQ(lines(line), 1);
  EXPECT_NE(line.find("peer=\"x\\\"\\x0atime=2026 level=info event=\\\"all is well"
                      "\\x0d\\x0a\\x1b[2J\"\n"),
            std::string::npos)
      << line;
}

TEST(LogTest, EscapesEveryByteThatIsNotVisibleAscii) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  const std::string line = logged_by([&] { log::info(all, {{"value", all}}); });
  EXPECT_EQ(lines(line), 1);
  EXPECT_TRUE(
      std::all_of(line.begin(), line.end() - 1, [](char c) { return c >= ' ' && c < 0x7f; }));
  EXPECT_NE(line.find("\\x00\\x01"), std::string::npos);
  EXPECT_NE(line.find("[\\\\]"), std::string::npos);
  EXPECT_NE(line.find("\\x7f\\x80"), std::string::npos);
}

TEST(LogTest, TakesFormatSignsForWhatTheyAre) {
  const std::string line = logged_by([] { log::info("{}", {{"value", "{0} %s %n {"}}); });
  EXPECT_NE(line.find("event=\"{}\" value=\"{0} %s %n {\""), std::string::npos) << line;
}

TEST(LogTest, AnErrorTellsCodeMessageAndPlace) {
  const Error error(ErrorCode::kNotFound, "no such\nthing");
  const std::string place = "log_test.cc:" + std::to_string(__LINE__ - 1);
  const std::string line = logged_by([&] { log::error("request failed", error, {{"id", "7"}}); });
  EXPECT_EQ(lines(line), 1);
  EXPECT_NE(line.find("event=\"request failed\" id=\"7\" code=\"NotFound\" "
                      "message=\"no such\\x0athing\" where=\"" +
                      place + "\""),
            std::string::npos)
      << line;
}

// What follows the time, for each test that has JSON written.
class JsonLogTest : public testing::Test {
 protected:
  JsonLogTest() { log::set_format(log::Format::kJson); }
  ~JsonLogTest() override { log::set_format(log::Format::kLogfmt); }

  static std::string rest(const std::string& line) {
    EXPECT_EQ(lines(line), 1);
    EXPECT_TRUE(line.starts_with("{\"time\":\"2")) << line;
    const auto level = line.find("Z\",\"level\":");
    EXPECT_NE(level, std::string::npos) << line;
    return line.substr(level + 3);
  }
};

TEST_F(JsonLogTest, WritesOneObjectALine) {
  EXPECT_EQ(rest(logged_by([] {
              log::info("file stored", {{"id", "42"}, {"bytes", "1024"}});
            })),
            "\"level\":\"info\",\"event\":\"file stored\",\"id\":\"42\",\"bytes\":\"1024\"}\n");
}

TEST_F(JsonLogTest, EscapesEveryByteThatIsNotVisibleAscii) {
  EXPECT_EQ(rest(logged_by([] {
              log::info("x", {{"peer", "a\"b\\c\n\x7f\xff{}%v"}});
            })),
            "\"level\":\"info\",\"event\":\"x\","
            "\"peer\":\"a\\\"b\\\\c\\u000a\\u007f\\u00ff{}%v\"}\n");
}

TEST_F(JsonLogTest, AnErrorTellsCodeMessageAndPlace) {
  const Error error(ErrorCode::kNotFound, "no such\nthing");
  const std::string line = rest(logged_by([&] { log::error("failed", error); }));
  EXPECT_NE(line.find("\"code\":\"NotFound\",\"message\":\"no such\\u000athing\","
                      "\"where\":\"log_test.cc:"),
            std::string::npos)
      << line;
}

}  // namespace
}  // namespace letterbox
