// Honest peers.
#include "gateway/transport/exchange.h"

#include <cpprest/producerconsumerstream.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <thread>
#include <vector>

#include "base/error.h"
#include "tests/gateway/transport/test_server.h"
#include "tests/gateway/transport/tls_client.h"

namespace letterbox::gateway::transport {
namespace {

using test::count_body;
using test::get;
using test::post;
using test::TestServer;
using test::TlsClient;
using web::http::http_request;
using web::http::http_response;

std::string chunked(const std::string& path, const std::string& chunks,
                    const std::string& fields = "") {
  return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n" +
         fields + "\r\n" + chunks;
}

TEST(Exchange, PlainReplyOfAnOrdinaryHandlerArrives) {
  TestServer server;
  TlsClient client(server.port());
  const auto answer = client.ask(get("/hello"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "hello");
  EXPECT_EQ(answer.fields.at("content-type"), "text/plain; charset=utf-8");
}

TEST(Exchange, EveryAnswerForbidsSniffingAndNamesNoServer) {
  TestServer server;
  TlsClient client(server.port());
  for (const char* path : {"/hello", "/nowhere"}) {
    const auto answer = client.ask(get(path));
    EXPECT_EQ(answer.fields.at("x-content-type-options"), "nosniff");
    EXPECT_TRUE(answer.fields.contains("date"));
    EXPECT_FALSE(answer.fields.contains("server"));
  }
}

TEST(Exchange, BodyOfEitherFramingReachesTheHandler) {
  TestServer server;
  TlsClient client(server.port());
  EXPECT_EQ(client.ask(post("/length", std::string(1'000'000, 'x'))).body, "1000000");
  EXPECT_EQ(client.ask(post("/length", "")).body, "0");
  EXPECT_EQ(client.ask(chunked("/length", "5\r\nhello\r\n0\r\n\r\n")).body, "5");
  EXPECT_EQ(client.ask(chunked("/length", "0\r\n\r\n")).body, "0");
}

TEST(Exchange, BodyComesBackByteForByte) {
  TestServer server;
  TlsClient client(server.port());
  std::string body(3'000'000, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 7 + i / 251);
  std::thread sender([&] { client.send(post("/echo", body)); });
  sender.join();
  const auto answer = client.receive();
  EXPECT_EQ(answer.body, body);
}

TEST(Exchange, PiecesAreAtMost256KiB) {
  TestServer server;
  std::atomic<std::size_t> largest = 0;
  server.on("/pieces", [&](const http_request& request) {
    Source& body = body_of(request);
    for (ByteView piece = body.next(); !piece.empty(); piece = body.next()) {
      largest = std::max(largest.load(), piece.size());
    }
    reply(request, http_response(204));
  });
  TlsClient client(server.port());
  EXPECT_EQ(client.ask(post("/pieces", std::string(2'000'000, 'x'))).status, 204);
  EXPECT_EQ(largest, 256U * 1024);
}

TEST(Exchange, SourceStaysAtItsEnd) {
  TestServer server;
  server.on("/twice", [](const http_request& request) {
    count_body(request);
    http_response response(200);
    response.set_body(std::to_string(count_body(request)));
    reply(request, response);
  });
  TlsClient client(server.port());
  EXPECT_EQ(client.ask(post("/twice", "hello")).body, "0");
}

TEST(Exchange, ContentLengthIsKnownIfThereIsOne) {
  TestServer server;
  server.on("/known", [](const http_request& request) {
    http_response response(200);
    response.set_body(content_length(request) ? std::to_string(*content_length(request)) : "none");
    reply(request, response);
  });
  TlsClient client(server.port());
  EXPECT_EQ(client.ask(post("/known", "abc")).body, "3");
  EXPECT_EQ(client.ask(chunked("/known", "0\r\n\r\n")).body, "none");
  EXPECT_EQ(client.ask(get("/known")).body, "none");
}

TEST(Exchange, HandlerSeesMethodTargetFieldsAndPeer) {
  TestServer server;
  server.on("/seen", [](const http_request& request) {
    http_response response(200);
    response.set_body(request.method() + ' ' + request.request_uri().to_string() + ' ' +
                      request.headers().find("x-field")->second + ' ' + request.remote_address());
    reply(request, response);
  });
  TlsClient client(server.port());
  EXPECT_EQ(client.ask(get("/seen?a=%20b", "X-Field: one\r\nx-field: two\r\n")).body,
            "GET /seen?a=%20b one, two 127.0.0.1");
}

TEST(Exchange, OrdinaryHandlersExtractStringsAndJson) {
  TestServer server;
  server.on("/string", [](const http_request& request) {
    http_request(request).extract_string(true).then(
        [request](const std::string& text) { request.reply(200, text); });
  });
  server.on("/json", [](const http_request& request) {
    request.reply(200, http_request(request).extract_json().get().at("a").as_string());
  });
  TlsClient client(server.port());
  EXPECT_EQ(client.ask(post("/string", "words")).body, "words");
  EXPECT_EQ(client.ask(post("/string", std::string(600'000, 'x'))).body.size(), 600'000U);
  EXPECT_EQ(client.ask(chunked("/string", "5\r\nhello\r\n0\r\n\r\n")).body, "hello");
  EXPECT_EQ(client.ask(post("/json", R"({"a":"b"})", "Content-Type: application/json\r\n")).body,
            "b");
}

TEST(Exchange, WhatExtractMayCollectIsBounded) {
  TestServer server;
  server.on("/string", [](const http_request& request) {
    try {
      http_request(request).extract_string(true).get();
      request.reply(200);
    } catch (const Error& error) {
      request.reply(error.code() == ErrorCode::kTooLarge ? 413 : 500);
    }
  });
  TlsClient client(server.port());
  EXPECT_EQ(client.ask(post("/string", std::string(1024 * 1024, 'x'))).status, 200);
  EXPECT_EQ(TlsClient(server.port()).ask(post("/string", std::string(1024 * 1024 + 1, 'x'))).status,
            413);
}

TEST(Exchange, AnswerOfUnknownLengthIsChunked) {
  TestServer server;
  server.on("/stream", [](const http_request& request) {
    concurrency::streams::producer_consumer_buffer<std::uint8_t> buffer;
    const std::string text(100'000, 'x');
    buffer.putn_nocopy(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()).get();
    buffer.close(std::ios_base::out).get();
    request.reply(200, buffer.create_istream());
  });
  TlsClient client(server.port());
  const auto answer = client.ask(get("/stream"));
  EXPECT_EQ(answer.fields.at("transfer-encoding"), "chunked");
  EXPECT_EQ(answer.body, std::string(100'000, 'x'));
  EXPECT_EQ(client.ask(get("/hello")).status, 200);
  TlsClient old(server.port());
  old.send("GET /stream HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.receive().body, std::string(100'000, 'x'));
}

TEST(Exchange, HeadGetsTheHeadAlone) {
  TestServer server;
  std::atomic<bool> pulled = false;
  server.on("/file", [&](const http_request& request) {
    struct Watched final : Source {
      explicit Watched(std::atomic<bool>& flag) : pulled(flag) {}
      ByteView next() override {
        pulled = true;
        return as_bytes("0123456789");
      }
      std::atomic<bool>& pulled;
    } content(pulled);
    reply(request, http_response(200), content, 10);
  });
  TlsClient client(server.port());
  client.send("HEAD /file HTTP/1.1\r\nHost: x\r\n\r\nHEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.receive(true).fields.at("content-length"), "10");
  EXPECT_EQ(client.receive(true).fields.at("content-length"), "5");
  EXPECT_FALSE(pulled);
  EXPECT_EQ(client.ask(get("/file")).body, "0123456789");
}

TEST(Exchange, AnswersWithoutABodyHaveNone) {
  TestServer server;
  server.on("/empty", [](const http_request& request) { request.reply(204); });
  server.on("/unchanged", [](const http_request& request) { request.reply(304); });
  TlsClient client(server.port());
  EXPECT_FALSE(client.ask(get("/empty")).fields.contains("content-length"));
  EXPECT_EQ(client.ask(get("/unchanged")).status, 304);
  EXPECT_EQ(client.ask(get("/nowhere")).fields.at("content-length"), "0");
}

TEST(Exchange, ConnectionStaysOpenUntilThePeerWantsItClosed) {
  TestServer server;
  TlsClient client(server.port());
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(client.ask(get("/hello")).fields.contains("connection"));
  }
  EXPECT_EQ(client.ask(get("/hello", "Connection: close\r\n")).fields.at("connection"), "close");
  EXPECT_TRUE(client.is_closed());
}

TEST(Exchange, OldPeersConnectionClosesUnlessItAsksOtherwise) {
  TestServer server;
  TlsClient client(server.port());
  EXPECT_EQ(
      client.ask("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").fields.at("connection"),
      "keep-alive");
  EXPECT_EQ(client.ask("GET /hello HTTP/1.0\r\n\r\n").fields.at("connection"), "close");
  EXPECT_TRUE(client.is_closed());
}

TEST(Exchange, Case56_HundredPipelinedRequestsAreAnsweredInOrder) {
  TestServer server;
  TlsClient client(server.port());
  std::string requests;
  for (std::size_t i = 0; i < 100; ++i) requests += post("/length", std::string(i * 31, 'x'));
  client.send(requests);
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(client.receive().body, std::to_string(i * 31));
}

TEST(Exchange, Case27_BytesAfterTheBodyAreTheNextRequest) {
  TestServer server;
  TlsClient client(server.port());
  client.send(post("/length", "abc") + chunked("/length", "2\r\nab\r\n0\r\n\r\n") + get("/hello"));
  EXPECT_EQ(client.receive().body, "3");
  EXPECT_EQ(client.receive().body, "2");
  EXPECT_EQ(client.receive().body, "hello");
}

TEST(Exchange, Case40_ContinueIsSentWhenTheHandlerPulls) {
  TestServer server;
  TlsClient client(server.port());
  client.send(
      "POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.receive().status, 100);
  EXPECT_EQ(client.ask("hello").body, "5");
  EXPECT_EQ(client.ask(get("/hello")).status, 200);
}

TEST(Exchange, Case40_RefusalComesBeforeAnyBody) {
  TestServer server;
  TlsClient client(server.port());
  client.send(
      "POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  const auto answer = client.receive();
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.fields.at("connection"), "close");
  EXPECT_TRUE(client.is_closed());
}

TEST(Exchange, Case42_RefusalReachesAPeerThatIsStillSending) {
  TestServer server;
  TlsClient client(server.port());
  client.send("POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\n");
  const std::size_t more = 16 * 1024 * 1024;
  EXPECT_EQ(client.send_while_taken('x', more, 10'000), more);
  const auto answer = client.receive();
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.body, "too large");
  EXPECT_EQ(answer.fields.at("connection"), "close");
}

TEST(Exchange, UnreadSmallBodyDoesNotCostTheConnection) {
  TestServer server;
  TlsClient client(server.port());
  EXPECT_EQ(client.ask(post("/early", "small")).status, 413);
  EXPECT_EQ(client.ask(get("/hello")).status, 200);
}

TEST(Exchange, ThrowingHandlerIs500AndItsTextStaysInside) {
  TestServer server;
  server.on("/throw", [](const http_request&) { throw std::runtime_error("secret"); });
  TlsClient client(server.port());
  const auto answer = client.ask(get("/throw"));
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.fields.at("content-type"), "application/problem+json");
  EXPECT_EQ(answer.body.find("secret"), std::string::npos);
}

TEST(Exchange, HandlerThatNeverAnswersIs500) {
  TestServer server;
  server.on("/silent", [](const http_request&) {});
  TlsClient client(server.port());
  EXPECT_EQ(client.ask(get("/silent")).status, 500);
}

TEST(Exchange, SecondAnswerIsAnErrorForTheHandlerAndNothingForThePeer) {
  TestServer server;
  std::promise<ErrorCode> second;
  server.on("/twice", [&](const http_request& request) {
    reply(request, http_response(200));
    try {
      reply(request, http_response(500));
    } catch (const Error& error) {
      second.set_value(error.code());
    }
  });
  TlsClient client(server.port());
  EXPECT_EQ(client.ask(get("/twice")).status, 200);
  EXPECT_EQ(second.get_future().get(), ErrorCode::kInternal);
  EXPECT_EQ(client.ask(get("/hello")).status, 200);
}

TEST(Exchange, Case44_ControlCharactersNeverReachTheHeadOfAnAnswer) {
  TestServer server;
  server.on("/split", [](const http_request& request) {
    http_response response(200);
    response.headers().add("X-Name", "a\r\nX-Forged: b");
    reply(request, response);
  });
  TlsClient client(server.port());
  const auto answer = client.ask(get("/split"));
  EXPECT_EQ(answer.status, 500);
  EXPECT_FALSE(answer.fields.contains("x-forged"));
}

TEST(Exchange, ContentThatThrowsCutsTheAnswerShort) {
  TestServer server;
  std::promise<ErrorCode> caught;
  server.on("/broken", [&](const http_request& request) {
    struct Broken final : Source {
      ByteView next() override {
        if (++count > 3) throw Error(ErrorCode::kIntegrity, "broken");
        return piece;
      }
      Bytes piece = Bytes(256 * 1024, 'x');
      int count = 0;
    } content;
    try {
      reply(request, http_response(200), content, 10'000'000);
    } catch (const Error& error) {
      caught.set_value(error.code());
    }
  });
  TlsClient client(server.port());
  client.send(get("/broken"));
  EXPECT_THROW(client.receive(), std::runtime_error);
  EXPECT_EQ(caught.get_future().get(), ErrorCode::kIntegrity);
}

TEST(Exchange, ContentThatEndsEarlyCutsTheAnswerShort) {
  TestServer server;
  std::promise<ErrorCode> caught;
  server.on("/short", [&](const http_request& request) {
    test::Filler content(1'000'000);
    try {
      reply(request, http_response(200), content, 1'000'001);
    } catch (const Error& error) {
      caught.set_value(error.code());
    }
  });
  TlsClient client(server.port());
  client.send(get("/short"));
  EXPECT_THROW(client.receive(), std::runtime_error);
  EXPECT_EQ(caught.get_future().get(), ErrorCode::kInternal);
}

TEST(Exchange, PeerThatLeavesDuringALongAnswerIsNoError) {
  TestServer server;
  std::promise<void> returned;
  server.on("/long", [&](const http_request& request) {
    test::Filler content(1ULL << 40);
    reply(request, http_response(200), content, 1ULL << 40);
    returned.set_value();
  });
  {
    TlsClient client(server.port());
    client.send(get("/long"));
    EXPECT_FALSE(client.receive_some().empty());
    client.tcp().reset_on_close();
  }
  returned.get_future().get();
  EXPECT_EQ(TlsClient(server.port()).ask(get("/hello")).status, 200);
}

TEST(Exchange, ManyPeersAtOnceGetTheirOwnAnswers) {
  TestServer server;
  const auto peer = [&server](std::size_t number) {
    for (std::size_t round = 0; round < 30; ++round) {
      TlsClient client(server.port());
      const std::size_t size = (number * 7919 + round * 104729) % 400'000;
      const std::string body(size, static_cast<char>('a' + number));
      switch ((number + round) % 5) {
        case 0:
          EXPECT_EQ(client.ask(post("/length", body)).body, std::to_string(size));
          EXPECT_EQ(client.ask(get("/hello")).body, "hello");
          break;
        case 1:
          EXPECT_EQ(client.ask(post("/echo", body)).body, body);
          break;
        case 2:
          client.send(get("/hello") + post("/length", body) + get("/bytes/1000"));
          EXPECT_EQ(client.receive().body, "hello");
          EXPECT_EQ(client.receive().body, std::to_string(size));
          EXPECT_EQ(client.receive().body.size(), 1000U);
          break;
        case 3:
          client.send(post("/length", body).substr(0, size / 2));
          client.tcp().reset_on_close();
          break;
        default:
          client.send(get("/bytes/10000000"));
          client.receive_some();
          client.tcp().reset_on_close();
          break;
      }
    }
  };
  std::vector<std::thread> peers;
  for (std::size_t number = 0; number < 8; ++number) peers.emplace_back(peer, number);
  for (std::thread& thread : peers) thread.join();
}

// Stock curl, for what its authors think HTTP is.
class Curl : public ::testing::Test {
 protected:
  std::string run(const std::string& arguments) {
    const std::string command =
        "curl -sS --max-time 60 --cacert " + server_.files().authority().string() + " " + arguments;
    std::FILE* const pipe = popen(command.c_str(), "r");
    std::string output;
    std::array<char, 4096> piece{};
    for (std::size_t size = 0; (size = std::fread(piece.data(), 1, piece.size(), pipe)) > 0;) {
      output.append(piece.data(), size);
    }
    EXPECT_EQ(pclose(pipe), 0) << arguments;
    return output;
  }
  std::string url(const std::string& path) const {
    return "https://localhost:" + std::to_string(server_.port()) + path;
  }
  std::string file_of(std::size_t size) const {
    const auto path = server_.files().directory() / "upload";
    std::ofstream(path, std::ios::binary) << std::string(size, 'x');
    return path.string();
  }

  TestServer server_;
};

TEST_F(Curl, Downloads) {
  EXPECT_EQ(run(url("/bytes/5000000")).size(), 5'000'000U);
}

TEST_F(Curl, UploadsWithContentLengthAndContinue) {
  EXPECT_EQ(run("-T " + file_of(5'000'000) + " " + url("/length")), "5000000");
}

TEST_F(Curl, UploadsChunked) {
  EXPECT_EQ(run("-T - " + url("/length") + " < " + file_of(5'000'000)), "5000000");
}

TEST_F(Curl, SeesAnEarlyRefusal) {
  EXPECT_EQ(run("-H 'Expect:' -w '%{http_code}' -T " + file_of(50'000'000) + " " + url("/early")),
            "too large413");
}

TEST_F(Curl, UsesOneConnectionForManyRequests) {
  EXPECT_EQ(run("-w '%{num_connects}' " + url("/hello") + " " + url("/hello")), "hello1hello0");
}

TEST_F(Curl, SpeaksTls12AndTls13) {
  EXPECT_EQ(run("--tls-max 1.2 " + url("/hello")), "hello");
  EXPECT_EQ(run("--tlsv1.3 " + url("/hello")), "hello");
}

}  // namespace
}  // namespace letterbox::gateway::transport
