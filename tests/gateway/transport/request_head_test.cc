#include "gateway/transport/request_head.h"

#include <gtest/gtest.h>

#include "gateway/transport/refusal.h"

namespace letterbox::gateway::transport {
namespace {

const Limits kLimits{.body_bytes = 1024 * 1024};

/// Scans byte by byte, as slowly as bytes can come, then parses.
RequestHead parse(std::string_view bytes, const Limits& limits = kLimits) {
  HeadScanner scanner(limits);
  for (std::size_t size = 1; size <= bytes.size(); ++size) {
    if (const auto end = scanner.scan(bytes.substr(0, size))) {
      return parse_request_head(bytes.substr(0, *end), limits);
    }
  }
  throw std::runtime_error("the head has no end");
}

int refusal_of(std::string_view bytes, const Limits& limits = kLimits) {
  try {
    parse(bytes, limits);
    return 0;
  } catch (const Refusal& refusal) {
    return refusal.status();
  }
}

/// A request with these further fields.
int refusal_with(const std::string& fields) {
  return refusal_of("POST / HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n");
}

TEST(RequestHead, HonestRequestIsRead) {
  const RequestHead head = parse(
      "POST /v1/files?to=a HTTP/1.1\r\nhost: localhost:8443\r\nContent-Length: 12\r\n"
      "X-Two:  words here \t\r\nX-Empty:\r\n\r\n");
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.target.path_and_query, "/v1/files?to=a");
  EXPECT_EQ(head.minor_version, 1);
  EXPECT_EQ(head.framing, BodyFraming::kContentLength);
  EXPECT_EQ(head.content_length, 12U);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_FALSE(head.expects_continue);
  ASSERT_NE(head.find("x-two"), nullptr);
  EXPECT_EQ(*head.find("x-two"), "words here");
  EXPECT_EQ(*head.find("X-EMPTY"), "");
  EXPECT_EQ(head.find("X-None"), nullptr);
}

TEST(RequestHead, EndIsFoundAndWhatFollowsIsLeft) {
  HeadScanner scanner(kLimits);
  const std::string head = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  EXPECT_EQ(scanner.scan(head + "POST"), head.size());
}

TEST(RequestHead, OneEmptyLineMayComeFirst) {
  EXPECT_EQ(refusal_of("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
  EXPECT_EQ(refusal_of("\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
}

TEST(RequestHead, Case14To19_ContentLengthIsOneDecimalNumber) {
  EXPECT_EQ(refusal_with("Content-Length: abc\r\n"), 400);
  EXPECT_EQ(refusal_with("Content-Length: -1\r\n"), 400);
  EXPECT_EQ(refusal_with("Content-Length: +5\r\n"), 400);
  EXPECT_EQ(refusal_with("Content-Length: 0x5\r\n"), 400);
  EXPECT_EQ(refusal_with("Content-Length: 5 5\r\n"), 400);
  EXPECT_EQ(refusal_with("Content-Length: 5, 5\r\n"), 400);
  EXPECT_EQ(refusal_with("Content-Length:\r\n"), 400);
  EXPECT_EQ(refusal_with("Content-Length: 9223372036854775808\r\n"), 413);
  EXPECT_EQ(refusal_with("Content-Length: 18446744073709551621\r\n"), 400);
  EXPECT_EQ(refusal_with("Content-Length: 5\r\nContent-Length: 6\r\n"), 400);
  EXPECT_EQ(refusal_with("Content-Length: 5\r\ncontent-length: 5\r\n"), 400);
  EXPECT_EQ(refusal_with("Content-Length: 1048576\r\n"), 0);
  EXPECT_EQ(refusal_with("Content-Length: 1048577\r\n"), 413);
}

TEST(RequestHead, Case20To24_TransferEncodingIsChunkedAloneAndOnce) {
  EXPECT_EQ(refusal_with("Transfer-Encoding: CHUNKED\r\n"), 0);
  EXPECT_EQ(refusal_with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(refusal_with("Transfer-Encoding: xchunked\r\n"), 400);
  EXPECT_EQ(refusal_with("Transfer-Encoding: chunked, gzip\r\n"), 400);
  EXPECT_EQ(refusal_with("Transfer-Encoding: gzip, chunked\r\n"), 501);
  EXPECT_EQ(refusal_with("Transfer-Encoding: gzip ,\tChunked\r\n"), 501);
  EXPECT_EQ(refusal_with("Transfer-Encoding: identity\r\n"), 400);
  EXPECT_EQ(refusal_with("Transfer-Encoding:\r\n"), 400);
  EXPECT_EQ(refusal_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(refusal_of("POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

TEST(RequestHead, Case25_SpaceBeforeTheColonIsRefused) {
  EXPECT_EQ(refusal_with("X : y\r\n"), 400);
  EXPECT_EQ(refusal_with("Content-Length : 5\r\n"), 400);
}

TEST(RequestHead, FieldNamesAreTokens) {
  for (const char* field :
       {": x\r\n", "no colon\r\n", "a\"b: x\r\n", "a(b): x\r\n", "\xc3: x\r\n"}) {
    EXPECT_EQ(refusal_with(field), 400) << field;
  }
}

TEST(RequestHead, FieldValuesHaveNoControlCharacters) {
  EXPECT_EQ(refusal_with("X: a\x01\r\n"), 400);
  EXPECT_EQ(refusal_with("X: a\x7f\r\n"), 400);
  EXPECT_EQ(refusal_with("X: a\tb \xc3\xa9\r\n"), 0);
}

TEST(RequestHead, Case28To30_TooMuchIsRefusedBeforeItEnds) {
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nX: " + std::string(17000, 'x')), 431);
  std::string fields = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 101; ++i) fields += "X: y\r\n";
  EXPECT_EQ(refusal_of(fields), 431);
  EXPECT_EQ(refusal_of("GET /" + std::string(8300, 'x')), 414);
  EXPECT_EQ(refusal_of("GET /" + std::string(8192, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n"), 414);
}

TEST(RequestHead, LimitsAreReachedButNotPassed) {
  std::string fields = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 99; ++i) fields += "X: y\r\n";
  EXPECT_EQ(refusal_of(fields + "\r\n"), 0);
  EXPECT_EQ(refusal_of("GET /" + std::string(8191, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
  const std::string begin = "GET / HTTP/1.1\r\nHost: x\r\nX: ";
  const std::string fill(kLimits.header_bytes - begin.size() - 4, 'x');
  EXPECT_EQ(refusal_of(begin + fill + "\r\n\r\n"), 0);
  EXPECT_EQ(refusal_of(begin + fill + "x\r\n\r\n"), 431);
}

TEST(RequestHead, Case31_NulIsRefusedAtOnce) {
  EXPECT_EQ(refusal_of(std::string_view("GET / HTTP/1.1\r\nX: a\0", 21)), 400);
}

TEST(RequestHead, Case32_ObsoleteLineFoldingIsRefused) {
  EXPECT_EQ(refusal_with("X: a\r\n b\r\n"), 400);
  EXPECT_EQ(refusal_with("X: a\r\n\tb\r\n"), 400);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\n Host: x\r\n\r\n"), 400);
}

TEST(RequestHead, Case33And34_ThereIsExactlyOneHost) {
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET / HTTP/1.0\r\n\r\n"), 0);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n"), 400);
  for (const char* host : {"", "a b", "a/b", "a@b", "a,b", "\xc3\xa9"}) {
    EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n"), 400) << host;
  }
}

TEST(RequestHead, Case35_OnlyHttp1IsSpoken) {
  EXPECT_EQ(refusal_of("GET / HTTP/9.9\r\nHost: x\r\n\r\n"), 505);
  EXPECT_EQ(refusal_of("GET / HTTP/2.0\r\nHost: x\r\n\r\n"), 505);
  EXPECT_EQ(refusal_of("GET / HTTP/1.2\r\nHost: x\r\n\r\n"), 0);
  for (const char* version :
       {"HTTP/1", "HTTP/1.10", "http/1.1", "HTTP 1.1", "XTTP/1.1", "HTTP/1.x"}) {
    EXPECT_EQ(refusal_of("GET / " + std::string(version) + "\r\nHost: x\r\n\r\n"), 400) << version;
  }
  EXPECT_EQ(refusal_of("GET /\r\n\r\n"), 400);
}

TEST(RequestHead, Case36_LinesEndWithCrLf) {
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\nHost: x\n\n"), 400);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nHost: x\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\rHost: x\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nHost: x\r\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
}

TEST(RequestHead, Case37And38_MethodsAreKnown) {
  EXPECT_EQ(refusal_of("BREW / HTTP/1.1\r\nHost: x\r\n\r\n"), 501);
  EXPECT_EQ(refusal_of("get / HTTP/1.1\r\nHost: x\r\n\r\n"), 501);
  EXPECT_EQ(refusal_of("TRACE / HTTP/1.1\r\nHost: x\r\n\r\n"), 405);
  EXPECT_EQ(refusal_of("CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n"), 405);
  EXPECT_EQ(refusal_of("G(T / HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of(" / HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
  for (const char* method : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
    EXPECT_EQ(refusal_of(std::string(method) + " / HTTP/1.1\r\nHost: x\r\n\r\n"), 0) << method;
  }
}

TEST(RequestHead, RequestLineHasTwoSingleSpaces) {
  EXPECT_EQ(refusal_of("GET  / HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET /  HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1 \r\nHost: x\r\n\r\n"), 400);
}

TEST(RequestHead, Case39_AbsoluteFormMustNameTheHostOfTheHostField) {
  EXPECT_EQ(refusal_of("GET https://evil/ HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET https://X/ HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
}

TEST(RequestHead, Case40And41_TheOnlyExpectationIsContinue) {
  const auto expecting = [](const char* version, const char* expect) {
    return "POST / " + std::string(version) +
           "\r\nHost: x\r\nContent-Length: 5\r\nExpect: " + expect + "\r\n\r\n";
  };
  EXPECT_TRUE(parse(expecting("HTTP/1.1", "100-Continue")).expects_continue);
  EXPECT_FALSE(parse(expecting("HTTP/1.0", "100-continue")).expects_continue);
  EXPECT_FALSE(parse(expecting("HTTP/1.0", "x")).expects_continue);
  EXPECT_EQ(refusal_of(expecting("HTTP/1.1", "x")), 417);
  EXPECT_EQ(refusal_of(expecting("HTTP/1.1", "100-continue, x")), 417);
  EXPECT_FALSE(parse("GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n").expects_continue);
}

TEST(RequestHead, Case43_ContentCodingsAreRefused) {
  EXPECT_EQ(refusal_with("Content-Encoding: gzip\r\n"), 415);
  EXPECT_EQ(refusal_with("Content-Encoding: identity\r\n"), 0);
}

TEST(RequestHead, PersistenceFollowsVersionAndConnectionField) {
  const auto keeps = [](const char* version, const char* connection) {
    return parse("GET / " + std::string(version) + "\r\nHost: x\r\nConnection: " + connection +
                 "\r\n\r\n")
        .keep_alive;
  };
  EXPECT_TRUE(keeps("HTTP/1.1", "keep-alive"));
  EXPECT_TRUE(keeps("HTTP/1.1", "x"));
  EXPECT_FALSE(keeps("HTTP/1.1", "Close"));
  EXPECT_FALSE(keeps("HTTP/1.1", "keep-alive, close"));
  EXPECT_TRUE(keeps("HTTP/1.0", "x, Keep-Alive"));
  EXPECT_FALSE(keeps("HTTP/1.0", "x"));
}

}  // namespace
}  // namespace letterbox::gateway::transport
