// Answers that go on when their handlers have returned.
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <thread>

#include "gateway/transport/exchange.h"
#include "tests/gateway/transport/test_server.h"
#include "tests/gateway/transport/tls_client.h"

namespace letterbox::gateway::transport {
namespace {

using namespace std::chrono_literals;
using test::get;
using test::TestServer;
using test::TlsClient;
using web::http::http_request;
using web::http::http_response;

// Streams that a server's handler has begun, in order.
class Begun {
 public:
  explicit Begun(TestServer& server) {
    server.on("/stream", [this](const http_request& request) {
      auto stream = begin_stream(request, http_response(200));
      const std::lock_guard lock(mutex_);
      streams_.push_back(std::move(stream));
      changed_.notify_all();
    });
  }
  std::unique_ptr<AnswerStream> take() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, 30s, [this] { return !streams_.empty(); })) {
      throw std::runtime_error("no stream was begun");
    }
    auto stream = std::move(streams_.front());
    streams_.erase(streams_.begin());
    return stream;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<AnswerStream>> streams_;
};

// What comes until `end` does.
std::string received_until(TlsClient& client, std::string_view end) {
  std::string all;
  while (all.find(end) == std::string::npos) {
    const std::string some = client.receive_some();
    if (some.empty()) throw std::runtime_error("it ended before");
    all += some;
  }
  return all;
}

TEST(Stream, GoesOnAfterItsHandlerAndThenTheConnectionDoes) {
  TestServer server;
  Begun begun(server);
  TlsClient client(server.port());
  client.send(get("/stream"));
  auto stream = begun.take();
  EXPECT_EQ(received_until(client, "\r\n\r\n").substr(0, 15), "HTTP/1.1 200 OK");
  for (const char* text : {"first", "second"}) {
    EXPECT_EQ(stream->push(text), Pushed::kSent);
    EXPECT_NE(received_until(client, std::string(text) + "\r\n").find(text), std::string::npos);
  }
  stream.reset();
  EXPECT_EQ(received_until(client, "0\r\n\r\n"), "0\r\n\r\n");
  EXPECT_EQ(client.ask(get("/hello")).body, "hello");
}

TEST(Stream, CostsNoWorkerAndIsNoRequestAtHand) {
  Limits limits;
  limits.workers = limits.peer_workers = 1;
  limits.requests = limits.peer_requests = 2;
  TestServer server(limits);
  Begun begun(server);
  std::vector<std::unique_ptr<TlsClient>> clients;
  std::vector<std::unique_ptr<AnswerStream>> streams;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(std::make_unique<TlsClient>(server.port()));
    clients.back()->send(get("/stream"));
    streams.push_back(begun.take());
  }
  TlsClient other(server.port());
  EXPECT_EQ(other.ask(get("/hello")).body, "hello");
  for (const auto& stream : streams) EXPECT_EQ(stream->push("x"), Pushed::kSent);
  for (const auto& client : clients) received_until(*client, "1\r\nx\r\n");
}

TEST(Stream, KeepsNoMoreThanTwoPiecesForAPeerThatIsSlow) {
  TestServer server;
  Begun begun(server);
  TlsClient client(server.port());
  client.send(get("/stream"));
  const auto stream = begun.take();
  const std::string much(200UL * 1024, 'x');
  std::size_t sent = 0;
  const auto push_for_a_while = [&] {
    // What the two kernels take in between is theirs.
    for (int full = 0; full < 100;) {
      const Pushed pushed = stream->push(much);
      if (pushed == Pushed::kGone) throw std::runtime_error("gone");
      if (pushed == Pushed::kSent) ++sent;
      if (pushed == Pushed::kFull) {
        ++full;
        std::this_thread::sleep_for(2ms);
      }
      ASSERT_LT(sent * much.size(), 256UL * 1024 * 1024);
    }
  };
  push_for_a_while();
  const std::size_t before = sent;
  std::size_t taken = 0;
  while (taken < (before - 2) * much.size()) taken += client.receive_some().size();
  push_for_a_while();
  EXPECT_GT(sent, before);
}

TEST(Stream, WhoeverHasLeftIsNoticed) {
  TestServer server;
  Begun begun(server);
  TlsClient client(server.port());
  client.send(get("/stream"));
  const auto stream = begun.take();
  client.tcp().close();
  const auto end = std::chrono::steady_clock::now() + 30s;
  while (stream->push("anybody there?") != Pushed::kGone) {
    ASSERT_LT(std::chrono::steady_clock::now(), end);
    std::this_thread::sleep_for(1ms);
  }
}

TEST(Stream, ThatHasNothingToSayIsKept) {
  Limits limits;
  limits.idle = limits.stall = limits.header = 1s;
  TestServer server(limits);
  Begun begun(server);
  TlsClient client(server.port());
  client.send(get("/stream"));
  const auto stream = begun.take();
  received_until(client, "\r\n\r\n");
  // A connection that waits for its next request is closed meanwhile.
  TlsClient idle(server.port());
  EXPECT_EQ(idle.ask(get("/hello")).status, 200);
  EXPECT_TRUE(idle.is_closed());
  std::this_thread::sleep_for(1s);
  EXPECT_EQ(stream->push("still here"), Pushed::kSent);
  received_until(client, "still here");
}

TEST(Stream, EndsWithTheTransportWhoeverHoldsIt) {
  Limits limits;
  limits.drain = 0s;
  TestServer server(limits);
  Begun begun(server);
  TlsClient client(server.port());
  client.send(get("/stream"));
  const auto stream = begun.take();
  received_until(client, "\r\n\r\n");
  server.stop();
  EXPECT_TRUE(client.is_closed());
  EXPECT_EQ(stream->push("too late"), Pushed::kGone);
}

TEST(Stream, OfAHeadRequestIsOverAtOnce) {
  TestServer server;
  Begun begun(server);
  TlsClient client(server.port());
  client.send("HEAD /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto stream = begun.take();
  EXPECT_EQ(client.receive(true).status, 200);
}

}  // namespace
}  // namespace letterbox::gateway::transport
