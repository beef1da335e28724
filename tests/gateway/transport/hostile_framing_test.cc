// Peers whose bytes aren't HTTP as we take it. After each, the next honest request gets its answer.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <optional>
#include <string>

#include "base/error.h"
#include "gateway/transport/exchange.h"
#include "tests/gateway/transport/test_server.h"
#include "tests/gateway/transport/tls_client.h"

namespace letterbox::gateway::transport {
namespace {

using test::get;
using test::post;
using test::TestServer;
using test::TlsClient;
using web::http::http_request;

struct Case {
  const char* name;
  std::string bytes;
  int status;
};

void PrintTo(const Case& hostile, std::ostream* out) {
  *out << hostile.name;
}

std::string chunks(const std::string& body) {
  return "POST /length HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + body;
}

std::string with(const std::string& fields, const std::string& body = "hello") {
  return "POST /length HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n" + body;
}

class Refused : public ::testing::TestWithParam<Case> {
 protected:
  static void SetUpTestSuite() {
    Limits limits;
    limits.body_bytes = 1ULL << 30;
    server_ = new TestServer(limits);
    server_->on("/length", [](const http_request& request) {
      const std::uint64_t size = test::count_body(request);
      ++whole_bodies_;
      request.reply(200, std::to_string(size));
    });
  }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }

  static TestServer* server_;
  static std::atomic<int> whole_bodies_;
};

TestServer* Refused::server_ = nullptr;
std::atomic<int> Refused::whole_bodies_ = 0;

TEST_P(Refused, AndTheConnectionCloses) {
  const int before = whole_bodies_;
  TlsClient client(server_->port());
  client.send(GetParam().bytes);
  const auto answer = client.receive(GetParam().bytes.starts_with("HEAD "));
  EXPECT_EQ(answer.status, GetParam().status);
  EXPECT_EQ(answer.fields.at("content-type"), "application/problem+json");
  EXPECT_EQ(answer.fields.at("connection"), "close");
  EXPECT_TRUE(client.is_closed());
  EXPECT_EQ(whole_bodies_, before) << "a handler took it for a whole body";

  EXPECT_EQ(TlsClient(server_->port()).ask(get("/hello")).body, "hello");
}

const std::string kHuge(20'000, 'x');

INSTANTIATE_TEST_SUITE_P(
    Hostile, Refused,
    ::testing::Values(
        Case{"Case01_ChunkSizeMinusOne", chunks("-1\r\n"), 400},
        Case{"Case02_ChunkSizeMinusTwo", chunks("-2\r\n"), 400},
        Case{"Case03_ChunkSizeNoNumber", chunks("ZZZ\r\nhello\r\n0\r\n\r\n"), 400},
        Case{"Case04_ChunkSizeOfSeventeenDigits", chunks("00000000000000005\r\nhello\r\n"), 400},
        Case{"Case05_ChunkOf2GiBOverTheLimit", chunks("7fffffff\r\nhello"), 413},
        Case{"Case06_ChunkOf4GiBOverTheLimit", chunks("ffffffff\r\nhello"), 413},
        Case{"Case07_ChunkSizeWithPrefix", chunks("0x5\r\nhello\r\n0\r\n\r\n"), 400},
        Case{"Case08_ChunkLineEndedByLf", chunks("5\nhello\n0\n\n"), 400},
        Case{"Case09_ChunkLineEndedByCr", chunks("5\rhello\r0\r\r"), 400},
        Case{"Case10_ChunkExtensionOf1MB",
             chunks("5;" + std::string(1'000'000, 'x') + "\r\nhello\r\n0\r\n\r\n"), 400},
        Case{"Case11_TrailerOf1MB", chunks("0\r\nX: " + std::string(1'000'000, 'x') + "\r\n\r\n"),
             431},
        Case{"Case14_ContentLengthNoNumber", with("Content-Length: abc\r\n"), 400},
        Case{"Case15_ContentLengthNegative", with("Content-Length: -1\r\n"), 400},
        Case{"Case16_ContentLengthWithSign", with("Content-Length: +5\r\n"), 400},
        Case{"Case17_ContentLength2To63", with("Content-Length: 9223372036854775808\r\n"), 413},
        Case{"Case18_ContentLengthOver64Bits", with("Content-Length: 18446744073709551621\r\n"),
             400},
        Case{"Case19_TwoContentLengths", with("Content-Length: 5\r\nContent-Length: 6\r\n"), 400},
        Case{"Case20_ContentLengthWithTransferEncoding",
             with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
        Case{"Case21_TransferEncodingXchunked", with("Transfer-Encoding: xchunked\r\n"), 400},
        Case{"Case22_TransferEncodingChunkedGzip", with("Transfer-Encoding: chunked, gzip\r\n"),
             400},
        Case{"Case23_TransferEncodingTwice",
             with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
             400},
        Case{"Case24_TransferEncodingOnHttp10",
             "POST /length HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        Case{"Case25_SpaceBeforeTheColon", with("Content-Length : 5\r\n"), 400},
        Case{"Case29_TenThousandFields",
             [] {
               std::string fields;
               for (int i = 0; i < 10'000; ++i) fields += "X: y\r\n";
               return with(fields, "");
             }(),
             431},
        Case{"Case30_TargetOf20KB", "GET /" + kHuge + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
        Case{"Case31_NulInAField", with(std::string("X: a\0b\r\n", 8), ""), 400},
        Case{"Case32_FoldedField", with("X: a\r\n b\r\n", ""), 400},
        Case{"Case33_NoHost", "GET /hello HTTP/1.1\r\n\r\n", 400},
        Case{"Case34_TwoHosts", with("Host: localhost\r\n", ""), 400},
        Case{"Case35_Http99", "GET /hello HTTP/9.9\r\nHost: x\r\n\r\n", 505},
        Case{"Case36_RequestLineEndedByLf", "GET /hello HTTP/1.1\nHost: x\n\n", 400},
        Case{"Case37_UnknownMethod", "BREW /hello HTTP/1.1\r\nHost: x\r\n\r\n", 501},
        Case{"Case38_Trace", "TRACE /hello HTTP/1.1\r\nHost: x\r\n\r\n", 405},
        Case{"Case38_Connect", "CONNECT localhost:443 HTTP/1.1\r\nHost: x\r\n\r\n", 405},
        Case{"Case39_AbsoluteFormOfAForeignHost",
             "GET https://evil.example/hello HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421},
        Case{"Case39_AbsoluteFormOfAnotherHostThanHost",
             "GET https://evil.example/hello HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        Case{"Case41_UnknownExpectation", with("Content-Length: 5\r\nExpect: x\r\n"), 417},
        Case{"Case43_ContentEncodingGzip", with("Content-Length: 5\r\nContent-Encoding: gzip\r\n"),
             415},
        Case{"Case57_EncodedDotSegments", get("/%2e%2e/hello"), 400},
        Case{"Case58_EncodedNul", get("/hello%00"), 400},
        Case{"Case59_OverlongUtf8", get("/%c0%ae%c0%ae/hello"), 400},
        Case{"GarbageInsteadOfARequest", std::string("\x16\x03\x01\x02\0\x01", 6), 400},
        Case{"RefusedHeadRequestGetsNoBody", "HEAD /../x HTTP/1.1\r\nHost: x\r\n\r\n", 400}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_F(Refused, Case28_HeaderOf150MB) {
  TlsClient client(server_->port());
  client.send("GET /hello HTTP/1.1\r\nHost: x\r\nX: ");
  client.send_while_taken('x', 150'000'000, 10'000);
  EXPECT_EQ(client.receive().status, 431);
  EXPECT_EQ(TlsClient(server_->port()).ask(get("/hello")).body, "hello");
}

TEST_F(Refused, AbsoluteFormOfThisServerIsServed) {
  TlsClient client(server_->port());
  EXPECT_EQ(client.ask("GET https://localhost/hello HTTP/1.1\r\nHost: localhost\r\n\r\n").body,
            "hello");
}

TEST_F(Refused, Case60_DoubleEncodingIsJustNotFound) {
  EXPECT_EQ(TlsClient(server_->port()).ask(get("/%252e%252e/hello")).status, 404);
}

TEST(RefusedBySize, Case13_EndlessOneByteChunksReachTheLimit) {
  TestServer server(Limits{.body_bytes = 100'000});
  TlsClient client(server.port());
  std::string body;
  for (int i = 0; i < 100'001; ++i) body += "1\r\nx\r\n";
  client.send(chunks(body));
  EXPECT_EQ(client.receive().status, 413);
  EXPECT_TRUE(client.is_closed());
}

/// A handler's view of a body that breaks: the code its pull throws.
class Broken : public ::testing::Test {
 protected:
  explicit Broken(const Limits& limits = {}) : server_(limits) {
    server_.on("/pull", [this](const http_request& request) {
      try {
        body_of(request).next();
        begun_.set_value();
        test::count_body(request);
        outcome_.set_value(std::nullopt);
      } catch (const Error& error) {
        outcome_.set_value(error.code());
      }
    });
  }

  TestServer server_;
  std::promise<void> begun_;
  std::promise<std::optional<ErrorCode>> outcome_;
};

// More than the first piece, so that a handler is at work when it breaks.
const std::string kBegun(300'000, 'x');

TEST_F(Broken, Case12_ChunkedBodyCutShortThrowsTruncated) {
  {
    TlsClient client(server_.port());
    client.send("POST /pull HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n" +
                kBegun);
    begun_.get_future().get();
  }
  EXPECT_EQ(outcome_.get_future().get(), ErrorCode::kTruncatedBody);
}

TEST_F(Broken, Case26_BodyShorterThanContentLengthThrowsTruncated) {
  {
    TlsClient client(server_.port());
    client.send("POST /pull HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + kBegun);
    begun_.get_future().get();
    client.tcp().reset_on_close();
  }
  EXPECT_EQ(outcome_.get_future().get(), ErrorCode::kTruncatedBody);
}

TEST_F(Broken, ChunkThatBreaksLateThrowsTruncatedAndThePeerGets400) {
  TlsClient client(server_.port());
  client.send("POST /pull HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n493e0\r\n" +
              kBegun + "\r\n-1\r\n");
  EXPECT_EQ(client.receive().status, 400);
  EXPECT_TRUE(client.is_closed());
  EXPECT_EQ(outcome_.get_future().get(), ErrorCode::kTruncatedBody);
}

TEST_F(Broken, BodyThatBreaksBeforeTheFirstPieceCostsNoHandler) {
  server_.on("/pull", [](const http_request&) { ADD_FAILURE() << "a handler ran"; });
  TlsClient client(server_.port());
  client.send(
      "POST /pull HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nZ");
  EXPECT_EQ(client.receive().status, 400);
}

class BrokenBySize : public Broken {
 protected:
  BrokenBySize() : Broken(Limits{.body_bytes = 350'000}) {}
};

TEST_F(BrokenBySize, ChunksOverTheLimitThrowTooLargeAndThePeerGets413) {
  TlsClient client(server_.port());
  client.send("POST /pull HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n493e0\r\n" +
              kBegun + "\r\nffff\r\n");
  EXPECT_EQ(client.receive().status, 413);
  EXPECT_EQ(outcome_.get_future().get(), ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace letterbox::gateway::transport
