// Peers that misuse TCP and TLS.
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <thread>
#include <vector>

#include "tests/gateway/transport/test_server.h"
#include "tests/gateway/transport/tls_client.h"

namespace letterbox::gateway::transport {
namespace {

using test::get;
using test::TcpClient;
using test::TestServer;
using test::TlsClient;

void expect_honest_service(const TestServer& server) {
  EXPECT_EQ(TlsClient(server.port()).ask(get("/hello")).body, "hello");
}

TEST(HostileConnection, Case48_SilenceInsteadOfAClientHelloIsDropped) {
  TestServer server(Limits{.handshake = std::chrono::seconds(1)});
  const TcpClient client(server.port());
  EXPECT_EQ(client.receive_all(), "");
  expect_honest_service(server);
}

TEST(HostileConnection, Case49_StalledHandshakeIsDropped) {
  TestServer server(Limits{.handshake = std::chrono::seconds(1)});
  const TcpClient client(server.port());
  client.send(std::string("\x16\x03\x01\x02\x00\x01\x00", 7));
  EXPECT_EQ(client.receive_all(), "");
  expect_honest_service(server);
}

TEST(HostileConnection, Case50_ThreeThousandResets) {
  TestServer server;
  for (int i = 0; i < 3000; ++i) {
    TcpClient client(server.port());
    client.reset_on_close();
  }
  for (int i = 0; i < 100; ++i) {
    TlsClient client(server.port());
    client.send(get("/bytes/1000000"));
    client.tcp().reset_on_close();
  }
  expect_honest_service(server);
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

TEST(HostileConnection, Case51_UsedUpDescriptorsCostNoCoreAndNoService) {
  TestServer server;
  expect_honest_service(server);
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  {
    // Peers take descriptors of this process too, so the server finds none for the last of them.
    rlimit few = before;
    few.rlim_cur = 64;
    setrlimit(RLIMIT_NOFILE, &few);
    std::vector<std::unique_ptr<TcpClient>> clients;
    try {
      while (true) clients.push_back(std::make_unique<TcpClient>(server.port()));
    } catch (const std::exception&) {
      // Now there are none.
    }
    const double used = cpu_seconds();
    std::this_thread::sleep_for(std::chrono::seconds(1));  // what is measured, not waited for
    EXPECT_LT(cpu_seconds() - used, 0.5);
  }
  setrlimit(RLIMIT_NOFILE, &before);
  expect_honest_service(server);
}

TEST(HostileConnection, Case52_RenegotiationIsRefused) {
  TestServer server;
  TlsClient client(server.port(), {.max_version = TLS1_2_VERSION});
  EXPECT_EQ(client.ask(get("/hello")).status, 200);
  SSL_set_options(client.native(), SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
  SSL_renegotiate(client.native());
  EXPECT_FALSE(client.handshake());
  expect_honest_service(server);
}

TEST(HostileConnection, Case53_OldTlsIsRefused) {
  TestServer server;
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    TlsClient client(server.port(), {.max_version = version, .handshake = false});
    EXPECT_FALSE(client.handshake());
  }
  expect_honest_service(server);
}

TEST(HostileConnection, WeakTls12SuitesAreRefused) {
  TestServer server;
  for (const char* suite : {"AES128-SHA", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA",
                            "DHE-RSA-AES128-GCM-SHA256", "aNULL", "eNULL"}) {
    TlsClient client(server.port(), {.max_version = TLS1_2_VERSION, .handshake = false});
    SSL_set_cipher_list(client.native(), suite);
    EXPECT_FALSE(client.handshake()) << suite;
  }
  TlsClient client(server.port(), {.max_version = TLS1_2_VERSION});
  EXPECT_STREQ(SSL_get_cipher(client.native()), "ECDHE-ECDSA-AES128-GCM-SHA256");
}

TEST(HostileConnection, Tls13IsPreferredAndSessionsResume) {
  TestServer server;
  TlsClient first(server.port());
  EXPECT_EQ(SSL_version(first.native()), TLS1_3_VERSION);
  first.ask(get("/hello"));
  SSL_SESSION* const session = SSL_get1_session(first.native());
  TlsClient second(server.port(), {.handshake = false});
  SSL_set_session(second.native(), session);
  ASSERT_TRUE(second.handshake());
  EXPECT_EQ(SSL_session_reused(second.native()), 1);
  EXPECT_EQ(second.ask(get("/hello")).status, 200);
  SSL_SESSION_free(session);
}

TEST(HostileConnection, PeerThatWantsAnotherProtocolIsToldSo) {
  TestServer server;
  TlsClient client(server.port(), {.handshake = false});
  SSL_set_alpn_protos(client.native(), reinterpret_cast<const unsigned char*>("\x02h2"), 3);
  EXPECT_FALSE(client.handshake());
}

TEST(HostileConnection, Case55_PlainHttpOnTheTlsPortIsClosed) {
  TestServer server;
  const TcpClient client(server.port());
  client.send("GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.receive_all().find("HTTP"), std::string::npos);
  expect_honest_service(server);
}

TEST(HostileConnection, PeerThatGoesWithoutCloseNotifyIsNoTrouble) {
  TestServer server;
  {
    TlsClient client(server.port());
    client.send("GET /hel");
  }
  expect_honest_service(server);
}

}  // namespace
}  // namespace letterbox::gateway::transport
