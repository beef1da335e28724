#include "records/target_uri.h"

#include <gtest/gtest.h>

#include "tests/records/fixtures.h"

namespace letterbox::records {
namespace {

std::string form_of(std::string_view text) {
  return TargetUri::parse(text).text();
}

TEST(TargetUriTest, HasSchemeAndAuthorityInOneForm) {
  for (const char* text : {"https://gateway.example/a?b", "HTTPS://Gateway.EXAMPLE/a?b",
                           "https://gateway.example:443/a?b", "https://gateway.example:/a?b"}) {
    EXPECT_EQ(form_of(text), "https://gateway.example/a?b") << text;
  }
  EXPECT_EQ(form_of("http://h:80/"), "http://h/");
  EXPECT_EQ(form_of("http://h:443/"), "http://h:443/");
  EXPECT_EQ(form_of("https://h:80/"), "https://h:80/");
  EXPECT_EQ(form_of("https://h:8443/"), "https://h:8443/");
  EXPECT_EQ(form_of("https://[::443]/"), "https://[::443]/");
  EXPECT_EQ(form_of("https://[::1]:443/"), "https://[::1]/");
}

TEST(TargetUriTest, LeavesPathAndQueryAsTheyAreSent) {
  EXPECT_EQ(form_of("https://h/A%2fb//../c?D=%C3&e"), "https://h/A%2fb//../c?D=%C3&e");
  EXPECT_EQ(form_of("https://h"), "https://h/");
  EXPECT_EQ(form_of("https://h?a/b"), "https://h/?a/b");
  const TargetUri uri = TargetUri::parse("https://H/p?a?b");
  EXPECT_EQ(uri.scheme, "https");
  EXPECT_EQ(uri.authority, "h");
  EXPECT_EQ(uri.path, "/p");
  EXPECT_EQ(uri.query, "?a?b");
}

TEST(TargetUriTest, RefusesWhatIsNoTarget) {
  for (const char* text : {"", "/a", "h/a", "https:/h", "https://", "https:///a", "https://:443/",
                           "https://?a", "ftp://h/", "https://u@h/", "https://u:p@h/",
                           "https://h/#f", "https://h/ a", "https://h/\n", "https://h/\xc3\xbc"}) {
    EXPECT_EQ(thrown_by([&] { TargetUri::parse(text); }), ErrorCode::kMalformed) << text;
  }
}

}  // namespace
}  // namespace letterbox::records
