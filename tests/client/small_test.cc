// Exit codes, expiry, sizes: the small pure parts.
#include "client/exit_code.h"
#include "client/expiry.h"
#include "client/gateway_connection.h"
#include "client/terminal.h"
#include "tests/client/fixtures.h"

namespace letterbox::client {
namespace {

TEST(ExitCodes, AreTheDocumentedOnes) {
  const std::vector<std::pair<ErrorCode, int>> cases = {
      {ErrorCode::kInternal, 1},        {ErrorCode::kFile, 1},
      {ErrorCode::kConflict, 1},        {ErrorCode::kUsage, 2},
      {ErrorCode::kNotFound, 3},        {ErrorCode::kNotAllowed, 4},
      {ErrorCode::kUnauthenticated, 4}, {ErrorCode::kClockSkew, 4},
      {ErrorCode::kTooManyRequests, 7}, {ErrorCode::kIntegrity, 5},
      {ErrorCode::kBadSignature, 5},    {ErrorCode::kUntrustedKey, 5},
      {ErrorCode::kCoverMismatch, 5},   {ErrorCode::kMalformed, 5},
      {ErrorCode::kNoKeyFits, 6},       {ErrorCode::kWrongPassphrase, 6},
      {ErrorCode::kNetwork, 7},         {ErrorCode::kUnavailable, 7}};
  for (const auto& [error, expected] : cases)
    EXPECT_EQ(static_cast<int>(exit_code(error)), expected) << to_string(error);
}

TEST(Expiry, IsATimeToComeOrASpan) {
  const records::Time now = *records::parse_time("2026-11-23T17:30:00Z");
  const auto text = [&](const char* given) { return records::to_text(parse_expiry(given, now)); };
  EXPECT_EQ(text("7d"), "2026-11-30T17:30:00Z");
  EXPECT_EQ(text("12h"), "2026-11-24T05:30:00Z");
  EXPECT_EQ(text("30m"), "2026-11-23T18:00:00Z");
  EXPECT_EQ(text("2026-12-24T00:00:00Z"), "2026-12-24T00:00:00Z");
  for (const char* bad : {"", "7", "d", "0d", "-1d", "7dd", "7 d", "7w", "1e3d", "99999999999d",
                          "2026-11-23T17:30:00Z", "2020-01-01T00:00:00Z", "tomorrow"})
    EXPECT_EQ(thrown_by([&] { parse_expiry(bad, now); }), ErrorCode::kUsage) << bad;
}

TEST(Terminal, TextOfStrangersLosesWhatATerminalObeys) {
  EXPECT_EQ(printable("plain ~!"), "plain ~!");
  EXPECT_EQ(printable("a\033[2Jb\nc\td\x7f\xc2\x9b"), "a?[2Jb?c?d???");
  EXPECT_EQ(printable(std::string(1000, 'x')).size(), 300U);
}

TEST(Terminal, NamesKeepTheirScript) {
  for (const char* name : {"Yamada^Tarou", "Müller, Äpfel", "山田^太郎", "Люкceмбypг",
                           "قباني^لنزار", "שרון^דבורה", "Ωμέγα", "\xf0\xa0\xae\xb7"})
    EXPECT_EQ(shown(name), name);
}

TEST(Terminal, TextOfStrangersInUtf8LosesWhatSteersOrHides) {
  EXPECT_EQ(shown("a\033[2Jb\nc\td\x7f"), "a?[2Jb?c?d?");
  EXPECT_EQ(shown("\xc2\x9b"), "?");                    // CSI as C1
  EXPECT_EQ(shown("gpj.\xe2\x80\xaegnp"), "gpj.?gnp");  // right-to-left override
  EXPECT_EQ(shown("a\xe2\x80\x8b"
                  "b\xef\xbb\xbf"
                  "c"),
            "a?b?c");                         // zero width
  EXPECT_EQ(shown("\xf3\xa0\x81\x81"), "?");  // a tag
  for (const char* broken : {"\xff", "\x80", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
                             "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xe2\x80"}) {
    const std::string safe = shown(std::string(broken) + "x");
    EXPECT_EQ(safe, std::string(std::string_view(broken).size(), '?') + "x");
  }
  EXPECT_EQ(shown(std::string(1000, 'x')).size(), 300U);
  EXPECT_EQ(joined({"EXIF", "a\nb"}), "EXIF, a?b");
}

TEST(Terminal, SizesAreReadable) {
  EXPECT_EQ(human_size(0), "0 B");
  EXPECT_EQ(human_size(1023), "1023 B");
  EXPECT_EQ(human_size(1536), "1.5 KiB");
  EXPECT_EQ(human_size(1024ULL * 1024 * 1024), "1.0 GiB");
}

TEST(GatewayUrl, IsHttpsAndAHostAndNothingElse) {
  const auto key = crypto::SigningKey::generate();
  for (const char* url :
       {"", "http://127.0.0.1", "https://", "https://:443", "https://x:", "https://x:1234567",
        "https://x:a", "https://user@x", "https://x/path", "https://x?y", "https://a b"}) {
    const Gateway gateway{url, "no certificate", key.verify_key()};
    EXPECT_EQ(thrown_by([&] { GatewayConnection connection(gateway, std::nullopt, key); }),
              ErrorCode::kConfiguration)
        << url;
    EXPECT_EQ(thrown_by([&] { check_usable(gateway); }), ErrorCode::kConfiguration) << url;
  }
}

TEST(GatewayUrl, QueriesAreEncoded) {
  EXPECT_EQ(query_value("name@tenant"), "name%40tenant");
  EXPECT_EQ(query_value("2026-12-24T00:00:00Z"), "2026-12-24T00%3A00%3A00Z");
  EXPECT_EQ(query_value("a&b=c\xff"), "a%26b%3Dc%FF");
}

}  // namespace
}  // namespace letterbox::client
