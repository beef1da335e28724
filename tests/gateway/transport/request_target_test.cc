#include "gateway/transport/request_target.h"

#include <gtest/gtest.h>

#include "gateway/transport/refusal.h"

namespace letterbox::gateway::transport {
namespace {

int refusal_of(std::string_view target) {
  try {
    parse_request_target(target);
    return 0;
  } catch (const Refusal& refusal) {
    return refusal.status();
  }
}

TEST(RequestTarget, OriginFormIsKeptAsItWasSent) {
  const RequestTarget target = parse_request_target("/v1/files?to=a%40b&x=/?");
  EXPECT_EQ(target.path_and_query, "/v1/files?to=a%40b&x=/?");
  EXPECT_EQ(target.authority, "");
}

TEST(RequestTarget, AbsoluteFormYieldsPathAndAuthority) {
  const RequestTarget target = parse_request_target("https://[::1]:8443/a?b");
  EXPECT_EQ(target.path_and_query, "/a?b");
  EXPECT_EQ(target.authority, "[::1]:8443");
}

TEST(RequestTarget, AbsoluteFormWithoutPathIsTheRoot) {
  EXPECT_EQ(parse_request_target("https://localhost").path_and_query, "/");
  EXPECT_EQ(parse_request_target("https://localhost?q").path_and_query, "/?q");
}

TEST(RequestTarget, OtherFormsAreRefused) {
  for (const char* target : {"", "*", "path", "http://localhost/", "https:///x", "localhost:443",
                             "https://user@host/", "ftp://x/"}) {
    EXPECT_EQ(refusal_of(target), 400) << target;
  }
}

TEST(RequestTarget, Case57_DotSegmentsAreRefusedHoweverTheyAreWritten) {
  for (const char* target : {"/..", "/a/../b", "/a/..", "/./a", "/%2e%2e/etc", "/a/%2E./b", "/.%2e",
                             "/a/%2e", "/..?x"}) {
    EXPECT_EQ(refusal_of(target), 400) << target;
  }
  for (const char* target : {"/...", "/a..b", "/.well-known", "/a?../.."}) {
    EXPECT_EQ(refusal_of(target), 0) << target;
  }
}

TEST(RequestTarget, Case58_EncodedNulAndControlCharactersAreRefused) {
  for (const char* target : {"/%00", "/a%0d%0ab", "/%7f", "/%1F", "/a?b=%00", "/a?%0A"}) {
    EXPECT_EQ(refusal_of(target), 400) << target;
  }
}

TEST(RequestTarget, Case59_WhatIsNotUtf8IsRefused) {
  for (const char* target :
       {"/%c0%ae", "/%c1%81", "/%e0%80%af", "/%f0%80%80%80", "/%ed%a0%80", "/%f4%90%80%80",
        "/%f5%80%80%80", "/%80", "/%c3", "/%c3%c3", "/%e2%82", "/%ff", "/a?x=%c0%ae"}) {
    EXPECT_EQ(refusal_of(target), 400) << target;
  }
  for (const char* target : {"/%c3%a9", "/%e2%82%ac", "/%f0%9f%93%ac", "/%f4%8f%bf%bf"}) {
    EXPECT_EQ(refusal_of(target), 0) << target;
  }
}

TEST(RequestTarget, Case60_DoubleEncodingIsAPlainSegment) {
  EXPECT_EQ(refusal_of("/%252e%252e/x"), 0);
  EXPECT_EQ(refusal_of("/%2500"), 0);
}

TEST(RequestTarget, EncodedSlashesAndLeadingDoubleSlashAreRefused) {
  for (const char* target : {"/a%2fb", "/a%2Fb", "/a%5cb", "//host/x", "//"}) {
    EXPECT_EQ(refusal_of(target), 400) << target;
  }
  EXPECT_EQ(refusal_of("/a//b"), 0);
  EXPECT_EQ(refusal_of("/a?x=%2f"), 0);
}

TEST(RequestTarget, BrokenEscapesAndForeignCharactersAreRefused) {
  for (const char* target : {"/%", "/%2", "/%zz", "/%2g", "/a b", "/<", "/\"", "/{}", "/a|b", "/a^",
                             "/`", "/a\\b", "/a#b", "/\xc3\xa9", "/a?[]", "/[", "/\x7f"}) {
    EXPECT_EQ(refusal_of(target), 400) << target;
  }
}

TEST(RequestTarget, Case62_SqlIsPlainText) {
  EXPECT_EQ(refusal_of("/v1/files/';drop%20table%20x;--"), 0);
}

}  // namespace
}  // namespace letterbox::gateway::transport
