// TLS as the two kinds of endpoints speak it, and what handlers learn of a client's certificate.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <thread>

#include "base/error.h"
#include "tests/gateway/transport/test_server.h"
#include "tests/gateway/transport/tls_client.h"

namespace letterbox::gateway::transport {
namespace {

using test::get;
using test::KeyAndCertificate;
using test::TestServer;
using test::TlsClient;

TlsClient::Options showing(const KeyAndCertificate& files) {
  return {.certificate = files.certificate, .private_key = files.private_key};
}

/// In TLS 1.3 the client is done before the server has judged its certificate, so what shows is
/// that there is no answer.
bool is_served(std::uint16_t port, const TlsClient::Options& options) try {
  return TlsClient(port, options).ask(get("/peer")).status == 200;
} catch (const std::runtime_error&) {
  return false;
}

/// What the command line tool of another day and author says.
std::string spki_sha256_by_openssl(const std::filesystem::path& certificate) {
  const std::string command = "openssl x509 -noout -pubkey -in " + certificate.string() +
                              " | openssl pkey -pubin -outform DER | sha256sum";
  std::FILE* const pipe = popen(command.c_str(), "r");
  std::array<char, 65> hex{};
  EXPECT_EQ(std::fread(hex.data(), 1, 64, pipe), 64U);
  pclose(pipe);
  return hex.data();
}

using SessionPointer = std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)>;

/// Of a connection that has had an answer: TLS 1.3 sends tickets after the handshake.
SessionPointer session_of(const TlsClient& client) {
  return {SSL_get1_session(client.native()), SSL_SESSION_free};
}

// --- Machines

TEST(MachineEndpoint, HandlersLearnWhoAsks) {
  TestServer server;
  const auto pacs = server.files().issue("pacs");
  TlsClient client(server.machine_port(), showing(pacs));
  EXPECT_EQ(client.ask(get("/peer")).body,
            "127.0.0.1 CN=pacs " + spki_sha256_by_openssl(pacs.certificate));
}

TEST(MachineEndpoint, Case54_WithoutAGoodCertificateNobodyIsServed) {
  TestServer server;
  test::CertificateFiles others;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto good = showing(server.files().issue("good"));
    auto expired = showing(server.files().issue("expired", -7200, -3600));
    auto early = showing(server.files().issue("early", 3600, 7200));
    auto foreign = showing(others.issue("foreign"));
    TlsClient::Options none;
    for (auto* options : {&good, &expired, &early, &foreign, &none}) options->max_version = version;
    EXPECT_FALSE(is_served(server.machine_port(), none));
    EXPECT_FALSE(is_served(server.machine_port(), expired));
    EXPECT_FALSE(is_served(server.machine_port(), early));
    EXPECT_FALSE(is_served(server.machine_port(), foreign));
    EXPECT_TRUE(is_served(server.machine_port(), good));
  }
  EXPECT_EQ(server.transport().statistics().handshakes_failed, 8U);
  server.stop();  // which waits for what there is to tell
  const auto refused = server.refused();
  EXPECT_EQ(refused.size(), 8U);
  for (const Peer& peer : refused) {
    EXPECT_EQ(peer.address, "127.0.0.1");
    EXPECT_EQ(peer.network, "127.0.0.1");
    EXPECT_FALSE(peer.certificate) << "nobody vouched for it";
  }
}

// A flood of them keeps no more waiting than one of requests does.
TEST(MachineEndpoint, OfTheRefusedNoMoreAreToldOfAtOnceThanMayHaveARequest) {
  TestServer server({.requests = 2, .peer_requests = 2, .workers = 1});
  std::promise<void> go_on;
  server.on("/wait", [&](const web::http::http_request& request) {
    go_on.get_future().wait();
    request.reply(200);
  });
  TlsClient busy(server.port());
  busy.send(get("/wait"));  // has the worker, and a half of what there may be
  while (server.transport().statistics().requests == 0) std::this_thread::yield();
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(is_served(server.machine_port(), {}));
  while (server.transport().statistics().handshakes_failed < 5) std::this_thread::yield();
  EXPECT_EQ(server.refused().size(), 0U);
  go_on.set_value();
  EXPECT_EQ(busy.receive().status, 200);
  server.stop();
  EXPECT_EQ(server.refused().size(), 1U);
}

TEST(MachineEndpoint, WhoBreaksOffWasNotRefused) {
  TestServer server;
  {
    test::TcpClient plain(server.machine_port());
    plain.send("GET / HTTP/1.1\r\n\r\n");
    plain.receive_all();
  }
  server.stop();
  EXPECT_EQ(server.refused().size(), 0U);
}

TEST(MachineEndpoint, CertificateForServersAloneIsNoClients) {
  TestServer server;
  const auto servers = server.files().issue("servers", -60, 3600, "serverAuth");
  EXPECT_FALSE(is_served(server.machine_port(), showing(servers)));
}

TEST(MachineEndpoint, ResumedSessionHasTheCertificateOfTheFirst) {
  TestServer server;
  auto options = showing(server.files().issue("pacs"));
  TlsClient first(server.machine_port(), options);
  const std::string who = first.ask(get("/peer")).body;
  const auto session = session_of(first);
  options.session = session.get();
  TlsClient second(server.machine_port(), options);
  EXPECT_EQ(second.ask(get("/peer")).body, who);
  EXPECT_EQ(SSL_session_reused(second.native()), 1);
}

TEST(MachineEndpoint, CertificateThatExpiresMeanwhileIsRefusedAlsoWhenResumed) {
  TestServer server;
  auto options = showing(server.files().issue("pacs", -60, 3));
  TlsClient client(server.machine_port(), options);
  ASSERT_EQ(client.ask(get("/peer")).status, 200);
  const auto session = session_of(client);
  options.session = session.get();
  TlsClient resumed(server.machine_port(), options);
  // What is waited for is the date, not the server.
  std::this_thread::sleep_for(std::chrono::seconds(5));
  EXPECT_EQ(client.ask(get("/peer")).status, 403);
  EXPECT_EQ(resumed.ask(get("/peer")).status, 403);
}

// --- Browsers

TEST(PublicEndpoint, NeverAsksForACertificate) {
  TestServer server;
  TlsClient::Options options;
  options.handshake = false;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    options.max_version = version;
    TlsClient client(server.port(), options);
    bool asked = false;
    SSL_set_cert_cb(
        client.native(),
        [](SSL*, void* seen) {
          *static_cast<bool*>(seen) = true;
          return 1;
        },
        &asked);
    ASSERT_TRUE(client.handshake());
    EXPECT_EQ(client.ask(get("/peer")).body, "127.0.0.1");
    EXPECT_FALSE(asked);
  }
}

TEST(PublicEndpoint, SessionsResumeByTicket) {
  TestServer server;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient::Options options;
    options.max_version = version;
    TlsClient first(server.port(), options);
    first.ask(get("/hello"));
    const auto session = session_of(first);
    options.session = session.get();
    TlsClient second(server.port(), options);
    EXPECT_EQ(second.ask(get("/hello")).status, 200);
    EXPECT_EQ(SSL_session_reused(second.native()), 1);
  }
}

TEST(PublicEndpoint, FewKeyUpdatesAreTakenManyEndTheConnection) {
  TestServer server;
  TlsClient client(server.port());
  const auto update = [&] {
    SSL_key_update(client.native(), SSL_KEY_UPDATE_NOT_REQUESTED);
    return client.handshake();
  };
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(update());
  EXPECT_EQ(client.ask(get("/hello")).body, "hello");
  EXPECT_THROW(
      {
        for (int i = 0; i < 1000; ++i) {
          update();
          client.send("G");
        }
        client.receive();
      },
      std::runtime_error);
  EXPECT_EQ(TlsClient(server.port()).ask(get("/hello")).body, "hello");
}

// --- Reload

std::string served_certificate(std::uint16_t port) {
  TlsClient client(port);
  X509* const certificate = SSL_get0_peer_certificate(client.native());
  std::array<unsigned char, 32> hash{};
  X509_digest(certificate, EVP_sha256(), hash.data(), nullptr);
  return to_hex(hash);
}

TEST(Reload, NewConnectionsSeeTheNewCertificateAndOldOnesGoOn) {
  TestServer server;
  const std::string before = served_certificate(server.port());
  TlsClient old(server.port());
  server.files().renew_server();
  server.transport().reload_certificates();
  EXPECT_NE(served_certificate(server.port()), before);
  EXPECT_EQ(served_certificate(server.port()), served_certificate(server.port()));
  EXPECT_EQ(old.ask(get("/hello")).body, "hello");
}

TEST(Reload, WhatCannotBeUsedChangesNothing) {
  TestServer server;
  const std::string before = served_certificate(server.port());
  server.files().renew_server();
  std::ofstream(server.files().authority()) << "nonsense\n";
  EXPECT_THROW(server.transport().reload_certificates(), Error);
  EXPECT_EQ(served_certificate(server.port()), before);
}

TEST(Reload, AuthorityThatIsGoneVouchesForNobodyNotEvenForASessionFromBefore) {
  TestServer server;
  auto options = showing(server.files().issue("pacs"));
  TlsClient first(server.machine_port(), options);
  ASSERT_EQ(first.ask(get("/peer")).status, 200);
  const auto session = session_of(first);
  const test::CertificateFiles others;
  std::filesystem::copy_file(others.authority(), server.files().authority(),
                             std::filesystem::copy_options::overwrite_existing);
  server.transport().reload_certificates();
  options.session = session.get();
  EXPECT_FALSE(is_served(server.machine_port(), options));
}

}  // namespace
}  // namespace letterbox::gateway::transport
