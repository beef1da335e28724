// Bounds on memory, threads and time.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <future>
#include <thread>

#include "base/error.h"
#include "gateway/transport/exchange.h"
#include "tests/gateway/transport/test_server.h"
#include "tests/gateway/transport/tls_client.h"
#include "tests/sanitized.h"

namespace letterbox::gateway::transport {
namespace {

using std::chrono::seconds;
using test::count_body;
using test::get;
using test::post;
using test::TcpClient;
using test::TestServer;
using test::TlsClient;
using web::http::http_request;
using web::http::http_response;

std::string announce(const std::string& path, std::size_t length) {
  return "POST " + path +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
}

// --- Memory

constexpr std::size_t kMiB = 1024 * 1024;
constexpr std::size_t kBound = 64 * kMiB;

std::size_t volume() {
  return (std::getenv("LETTERBOX_FULL") != nullptr ? 1024 : 256) * kMiB;
}

/// By how much this process's memory peaks above where it stood when this was made.
class MemoryPeak {
 public:
  MemoryPeak() {
    std::ofstream("/proc/self/clear_refs") << "5";
    begin_ = high_water();
  }
  std::size_t growth() const { return high_water() - begin_; }

 private:
  static std::size_t high_water() {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
      std::size_t kilobytes = 0;
      if (word == "VmHWM:" && status >> kilobytes) return kilobytes * 1024;
    }
    return 0;
  }
  std::size_t begin_ = 0;
};

class Memory : public ::testing::Test {
 protected:
  void SetUp() override {
    if (letterbox::testing::kSanitized) GTEST_SKIP() << "the sanitizers keep memory of their own";
  }
};

TEST_F(Memory, StaysBoundedWhileAHandlerPullsAsFastAsItCan) {
  TestServer server;
  TlsClient client(server.port());
  const MemoryPeak peak;
  client.send(announce("/length", volume()));
  EXPECT_EQ(client.send_while_taken('x', volume(), 30'000), volume());
  EXPECT_EQ(client.receive().body, std::to_string(volume()));
  EXPECT_LE(peak.growth(), kBound);
}

TEST_F(Memory, StaysBoundedWhileAHandlerPullsSlowly) {
  TestServer server;
  server.on("/slow", [](const http_request& request) {
    Source& body = body_of(request);
    std::uint64_t size = 0;
    for (ByteView piece = body.next(); !piece.empty(); piece = body.next()) {
      size += piece.size();
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    request.reply(200, std::to_string(size));
  });
  TlsClient client(server.port());
  const MemoryPeak peak;
  client.send(announce("/slow", volume()));
  EXPECT_EQ(client.send_while_taken('x', volume(), 30'000), volume());
  EXPECT_EQ(client.receive().body, std::to_string(volume()));
  EXPECT_LE(peak.growth(), kBound);
}

TEST_F(Memory, StaysBoundedWhileAPeerReadsABigAnswerSlowly) {
  TestServer server;
  TlsClient client(server.port());
  const MemoryPeak peak;
  client.send(get("/bytes/" + std::to_string(volume())));
  std::size_t size = 0;
  for (int i = 0; size < volume(); ++i) {
    const std::string some = client.receive_some();
    ASSERT_FALSE(some.empty());
    size += some.size();
    if (i % 64 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  EXPECT_LE(peak.growth(), kBound);
}

TEST(Backpressure, SocketIsNotReadWhileTheHandlerDoesNotPull) {
  TestServer server;
  std::promise<void> go_on;
  server.on("/wait", [&, gone = go_on.get_future().share()](const http_request& request) {
    gone.wait();
    request.reply(200, std::to_string(count_body(request)));
  });
  TlsClient client(server.port());
  const std::size_t length = 256 * kMiB;
  client.send(announce("/wait", length));
  // What the server holds is half a MiB; the rest of this is the kernel's.
  const std::size_t taken = client.send_while_taken('x', length, 1000);
  EXPECT_LT(taken, 32 * kMiB);
  go_on.set_value();
  EXPECT_EQ(client.send_while_taken('x', length - taken, 30'000), length - taken);
  EXPECT_EQ(client.receive().body, std::to_string(length));
}

TEST(Backpressure, ContentIsNotPulledWhileThePeerDoesNotRead) {
  TestServer server;
  std::atomic<std::size_t> pulled = 0;
  std::promise<void> done;
  server.on("/flood", [&](const http_request& request) {
    struct Counted final : Source {
      explicit Counted(std::atomic<std::size_t>& count) : pulled(count), piece(kMiB, 'x') {}
      ByteView next() override {
        pulled += piece.size();
        return piece;
      }
      std::atomic<std::size_t>& pulled;
      Bytes piece;
    } content(pulled);
    reply(request, http_response(200), content, 256 * kMiB);
    done.set_value();
  });
  {
    TlsClient client(server.port());
    client.send(get("/flood"));
    client.receive_some();
    client.tcp().reset_on_close();
  }
  done.get_future().wait();
  EXPECT_LT(pulled, 32 * kMiB);
}

// --- Threads

TEST(Workers, NoMoreHandlersRunThanThereAreWorkers) {
  TestServer server(Limits{.workers = 2});
  std::mutex mutex;
  std::condition_variable changed;
  int inside = 0;
  int most = 0;
  bool open = false;
  server.on("/gate", [&](const http_request& request) {
    {
      std::unique_lock lock(mutex);
      most = std::max(most, ++inside);
      changed.notify_all();
      changed.wait(lock, [&] { return open; });
      --inside;
    }
    request.reply(200, "passed");
  });
  std::vector<std::unique_ptr<TlsClient>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<TlsClient>(server.port()));
    clients.back()->send(get("/gate"));
  }
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return inside == 2; });
    open = true;
    changed.notify_all();
  }
  for (const auto& client : clients) EXPECT_EQ(client->receive().body, "passed");
  EXPECT_EQ(most, 2);
}

TEST(Workers, UnfinishedFirstPieceCostsNoWorker) {
  TestServer server(Limits{.workers = 1});
  TlsClient slow(server.port());
  slow.send(announce("/length", 1000) + std::string(999, 'x'));
  EXPECT_EQ(TlsClient(server.port()).ask(get("/hello")).body, "hello");
  slow.send("x");
  EXPECT_EQ(slow.receive().body, "1000");
}

/// A connection that has been served, and is idle now.
std::unique_ptr<TlsClient> idle_client(const TestServer& server) {
  auto client = std::make_unique<TlsClient>(server.port());
  EXPECT_EQ(client->ask(get("/hello")).status, 200);
  return client;
}

TEST(Connections, TheOneThatIsIdleLongestMakesRoom) {
  TestServer server(Limits{.connections = 2});
  const auto first = idle_client(server);
  const auto second = idle_client(server);
  const auto third = idle_client(server);
  EXPECT_TRUE(first->is_closed());
  EXPECT_EQ(third->ask(get("/hello")).status, 200);
}

TEST(Connections, AnUnfinishedHeadMakesRoomAndIsToldSo) {
  TestServer server(Limits{.connections = 1});
  TlsClient slow(server.port());
  slow.send("GET /hello HTTP/1.1\r\nX: ");
  // Until that is there, slow is idle and would make room without a word.
  while (server.transport().statistics().bytes_received == 0) std::this_thread::yield();
  idle_client(server);
  const auto answer = slow.receive();
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.fields.at("retry-after"), "5");
  EXPECT_TRUE(slow.is_closed());
}

TEST(Connections, ARequestAtHandDoesNotMakeRoom) {
  TestServer server(Limits{.connections = 1});
  std::promise<void> entered;
  server.on("/busy", [&](const http_request& request) {
    entered.set_value();
    request.reply(200, std::to_string(count_body(request)));
  });
  TlsClient busy(server.port());
  busy.send(announce("/busy", 300'000) + std::string(299'999, 'x'));
  entered.get_future().get();
  EXPECT_EQ(TcpClient(server.port()).receive_all(), "");
  busy.send("x");
  EXPECT_EQ(busy.receive().body, "300000");
}

// --- Budgets

/// Requests that stay at hand until this goes.
class Gate {
 public:
  explicit Gate(TestServer& server) {
    server.on("/gate", [opened = opened_](const http_request& request) {
      opened.wait();
      request.reply(200, "passed");
    });
  }
  ~Gate() { open(); }
  void open() {
    if (!open_) open_at_.set_value();
    open_ = true;
  }

 private:
  bool open_ = false;
  std::promise<void> open_at_;
  std::shared_future<void> opened_ = open_at_.get_future().share();
};

void wait_for_requests(const TestServer& server, std::size_t count) {
  while (server.transport().statistics().requests != count) std::this_thread::yield();
}

TEST(Budgets, OneRequestTooManyIs503WithRetryAfter) {
  TestServer server(Limits{.requests = 2, .peer_requests = 2});
  Gate gate(server);
  TlsClient first(server.port());
  TlsClient second(server.port());
  first.send(get("/gate"));
  second.send(get("/gate"));
  wait_for_requests(server, 2);
  TlsClient third(server.port());
  const auto answer = third.ask(get("/hello"));
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.fields.at("retry-after"), "5");
  EXPECT_TRUE(third.is_closed());
  gate.open();
  EXPECT_EQ(first.receive().body, "passed");
  EXPECT_EQ(second.receive().body, "passed");
  EXPECT_EQ(TlsClient(server.port()).ask(get("/hello")).status, 200);
}

TEST(Budgets, OneAddressLeavesSomeRequestsToOthers) {
  TestServer server(Limits{.requests = 2, .peer_requests = 1});
  Gate gate(server);
  TlsClient greedy(server.port());
  greedy.send(get("/gate"));
  wait_for_requests(server, 1);
  EXPECT_EQ(TlsClient(server.port()).ask(get("/hello")).status, 503);
  EXPECT_EQ(TlsClient(server.port(), {.from = "127.0.0.2"}).ask(get("/hello")).status, 200);
}

TEST(Budgets, BodiesBeyondTheMemoryAre503AndThoseWithoutABodyAreServed) {
  TestServer server(Limits{.body_memory = 1000});
  TlsClient first(server.port());
  first.send(announce("/length", 600) + "x");
  while (server.transport().statistics().body_memory != 600) std::this_thread::yield();
  EXPECT_EQ(TlsClient(server.port()).ask(post("/length", std::string(600, 'x'))).status, 503);
  EXPECT_EQ(TlsClient(server.port()).ask(post("/length", std::string(400, 'x'))).body, "400");
  EXPECT_EQ(TlsClient(server.port()).ask(get("/hello")).status, 200);
  first.send(std::string(599, 'x'));
  EXPECT_EQ(first.receive().body, "600");
  while (server.transport().statistics().body_memory != 0) std::this_thread::yield();
}

TEST(Budgets, OneAddressLeavesSomeWorkersToOthers) {
  TestServer server(Limits{.workers = 2, .peer_workers = 1});
  Gate gate(server);
  TlsClient greedy(server.port());
  greedy.send(get("/gate"));
  TlsClient waiting(server.port());
  waiting.send(get("/gate"));
  wait_for_requests(server, 2);
  EXPECT_EQ(TlsClient(server.port(), {.from = "127.0.0.2"}).ask(get("/hello")).body, "hello");
  gate.open();
  EXPECT_EQ(greedy.receive().body, "passed");
  EXPECT_EQ(waiting.receive().body, "passed");
}

// --- Time

TEST(Deadline, Case45_SlowHeadIs408) {
  TestServer server(Limits{.header = seconds(1)});
  TlsClient client(server.port());
  client.send("GET /hello HTTP/1.1\r\nHost: loc");
  EXPECT_EQ(client.receive().status, 408);
  EXPECT_TRUE(client.is_closed());
}

TEST(Deadline, Case45_HeadThatTricklesIs408) {
  TestServer server(Limits{.header = seconds(1)});
  // TLS 1.2, because 1.3 has session tickets to be read from the start.
  TlsClient client(server.port(), {.max_version = TLS1_2_VERSION});
  client.send("GET /hello HTTP/1.1\r\nX: ");
  // Every byte comes soon after the one before, for as long as they are taken.
  while (client.send_while_taken('x', 1, 1000) == 1 && !client.has_something_to_read()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_EQ(client.receive().status, 408);
}

TEST(Deadline, Case46_StalledFirstPieceIs408) {
  TestServer server(Limits{.stall = seconds(1)});
  TlsClient client(server.port());
  client.send(announce("/length", 100) + "x");
  EXPECT_EQ(client.receive().status, 408);
  EXPECT_TRUE(client.is_closed());
}

TEST(Deadline, Case46_BodyThatStallsLaterIs408AndTruncatedForTheHandler) {
  TestServer server(Limits{.stall = seconds(1)});
  std::promise<ErrorCode> outcome;
  server.on("/pull", [&](const http_request& request) {
    try {
      count_body(request);
    } catch (const Error& error) {
      outcome.set_value(error.code());
      throw;
    }
  });
  TlsClient client(server.port());
  client.send(announce("/pull", 1'000'000) + std::string(300'000, 'x'));
  EXPECT_EQ(client.receive().status, 408);
  EXPECT_EQ(outcome.get_future().get(), ErrorCode::kTruncatedBody);
}

TEST(Deadline, SlowHandlerIsNotAStalledPeer) {
  TestServer server(Limits{.stall = seconds(1)});
  server.on("/think", [](const http_request& request) {
    Source& body = body_of(request);
    std::size_t size = body.next().size();
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));  // thinks for longer than a stall
    for (auto piece = body.next(); !piece.empty(); piece = body.next()) size += piece.size();
    request.reply(200, std::to_string(size));
  });
  TlsClient client(server.port());
  EXPECT_EQ(client.ask(post("/think", std::string(1'000'000, 'x'))).body, "1000000");
}

TEST(Deadline, PeerThatIsNeverAskedForItsBodyIsNotStalled) {
  TestServer server(Limits{.stall = seconds(1)});
  server.on("/late", [](const http_request& request) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    request.reply(200, std::to_string(count_body(request)));
  });
  TlsClient client(server.port());
  client.send(
      "POST /late HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.receive().status, 100);
  EXPECT_EQ(client.ask("hello").body, "5");
}

TEST(Deadline, Case47_PeerThatDoesNotReadIsDropped) {
  TestServer server(Limits{.stall = seconds(1)});
  std::promise<void> returned;
  server.on("/long", [&](const http_request& request) {
    test::Filler content(1ULL << 40);
    reply(request, http_response(200), content, 1ULL << 40);
    returned.set_value();
  });
  TlsClient client(server.port());
  client.send(get("/long"));
  returned.get_future().get();
}

TEST(Deadline, IdleConnectionIsClosedWithoutAWord) {
  TestServer server(Limits{.idle = seconds(1)});
  TlsClient fresh(server.port());
  TlsClient used(server.port());
  EXPECT_EQ(used.ask(get("/hello")).status, 200);
  EXPECT_TRUE(fresh.is_closed());
  EXPECT_TRUE(used.is_closed());
}

// --- The end

TEST(Stop, IdleConnectionsDoNotHoldItUp) {
  TestServer server;
  TlsClient client(server.port());
  EXPECT_EQ(client.ask(get("/hello")).status, 200);
  server.stop();
  EXPECT_TRUE(client.is_closed());
}

TEST(Stop, RunningRequestMayEnd) {
  TestServer server;
  std::promise<void> entered;
  server.on("/busy", [&](const http_request& request) {
    entered.set_value();
    request.reply(200, std::to_string(count_body(request)));
  });
  TlsClient client(server.port());
  client.send(announce("/busy", 300'000) + std::string(299'999, 'x'));
  entered.get_future().get();
  std::thread stopper([&] { server.stop(); });
  client.send("x");
  EXPECT_EQ(client.receive().body, "300000");
  stopper.join();
}

TEST(Stop, RequestThatDoesNotEndIsCut) {
  for (const bool with_listener : {true, false}) {
    TestServer server(Limits{.drain = seconds(1)});
    std::promise<void> entered;
    std::promise<ErrorCode> outcome;
    server.on("/busy", [&](const http_request& request) {
      entered.set_value();
      try {
        count_body(request);
      } catch (const Error& error) {
        outcome.set_value(error.code());
      }
    });
    TlsClient client(server.port());
    client.send(announce("/busy", 1'000'000) + std::string(300'000, 'x'));
    entered.get_future().get();
    if (with_listener) {
      server.stop();
    } else {
      server.stop_transport();
    }
    EXPECT_EQ(outcome.get_future().get(), ErrorCode::kTruncatedBody);
  }
}

TEST(Stop, RequestWithoutAListenerIsNotTakenForMissing) {
  TestServer server;
  TlsClient client(server.port());
  EXPECT_EQ(client.ask(get("/hello")).status, 200);
  server.close_listener();
  EXPECT_EQ(client.ask(get("/hello")).status, 503);
}

// --- The beginning

ErrorCode code_of(const Options& options, std::string* message = nullptr) {
  try {
    const Transport transport(options);
    return ErrorCode::kInternal;
  } catch (const Error& error) {
    if (message != nullptr) *message = error.what();
    return error.code();
  }
}

TEST(Start, TakenPortIsAConfigurationErrorThatNamesIt) {
  TestServer server;
  Options options = server.options();
  options.endpoints[0].port = server.port();
  std::string message;
  EXPECT_EQ(code_of(options, &message), ErrorCode::kConfiguration);
  EXPECT_NE(message.find(std::to_string(server.port())), std::string::npos) << message;
}

TEST(Start, ForeignAddressIsAConfigurationError) {
  const test::CertificateFiles files;
  Options options{.endpoints = {{.host = "192.0.2.1",
                                 .certificate_chain = files.certificate(),
                                 .private_key = files.private_key()}}};
  std::string message;
  EXPECT_EQ(code_of(options, &message), ErrorCode::kConfiguration);
  EXPECT_NE(message.find("192.0.2.1"), std::string::npos) << message;
  options.endpoints[0].host = "localhost";
  EXPECT_EQ(code_of(options), ErrorCode::kConfiguration);
}

TEST(Start, UnusableCertificateOrKeyIsAConfigurationErrorThatNamesTheFile) {
  const test::CertificateFiles files;
  const test::CertificateFiles others;
  Options options{.endpoints = {{.host = "127.0.0.1",
                                 .certificate_chain = files.certificate(),
                                 .private_key = others.private_key()}}};
  std::string message;
  EXPECT_EQ(code_of(options, &message), ErrorCode::kConfiguration);
  EXPECT_NE(message.find("key.pem"), std::string::npos) << message;
  options.endpoints[0].certificate_chain = files.directory() / "missing.pem";
  EXPECT_EQ(code_of(options, &message), ErrorCode::kConfiguration);
  EXPECT_NE(message.find("missing.pem"), std::string::npos) << message;
}

TEST(Start, Ipv6LoopbackIsServed) {
  const test::CertificateFiles files;
  const Options options{.endpoints = {{.host = "::1",
                                       .certificate_chain = files.certificate(),
                                       .private_key = files.private_key()}}};
  EXPECT_NE(Transport(options).port(), 0);
}

TEST(Start, ListenerOfAnotherPortIsRefused) {
  TestServer server;
  web::http::experimental::listener::http_listener other(
      "https://127.0.0.1:" + std::to_string(server.port() + 1) + "/");
  EXPECT_THROW(other.open().wait(), std::invalid_argument);
}

TEST(Start, StockListenerNeverComesBack) {
  std::uint16_t port = 0;
  {
    TestServer server;
    port = server.port();
  }
  web::http::experimental::listener::http_listener listener(
      "http://127.0.0.1:" + std::to_string(port) + "/");
  EXPECT_THROW(listener.open().wait(), web::http::http_exception);
  EXPECT_THROW(TcpClient{port}, std::runtime_error);
}

TEST(Start, ListenerMayCloseAndOpenAgain) {
  TestServer server;
  server.close_listener();
  EXPECT_EQ(TlsClient(server.port()).ask(get("/hello")).status, 503);
  server.open_listener();
  EXPECT_EQ(TlsClient(server.port()).ask(get("/hello")).body, "hello");
}

TEST(Start, SecondTransportIsAConfigurationError) {
  TestServer server;
  EXPECT_EQ(code_of(server.options()), ErrorCode::kConfiguration);
  EXPECT_EQ(TlsClient(server.port()).ask(get("/hello")).body, "hello");
}

TEST(Start, LongestPathOfSeveralListenersAnswers) {
  TestServer server;
  web::http::experimental::listener::http_listener inner(
      "https://127.0.0.1:" + std::to_string(server.port()) + "/inner");
  inner.support([](const http_request& request) {
    request.reply(200, "inner " + request.relative_uri().to_string());
  });
  inner.open().wait();
  TlsClient client(server.port());
  EXPECT_EQ(client.ask(get("/inner/x")).body, "inner /x");
  EXPECT_EQ(client.ask(get("/inner")).body, "inner /");
  EXPECT_EQ(client.ask(get("/hello")).body, "hello");
  EXPECT_EQ(client.ask(get("/innermost")).status, 404);
  inner.close().wait();
  EXPECT_EQ(client.ask(get("/inner/x")).status, 404);
}

}  // namespace
}  // namespace letterbox::gateway::transport
