// A Transport in this process, with handlers that a test gives it.
#pragma once

#include <cpprest/http_listener.h>

#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "gateway/transport/transport.h"
#include "tests/gateway/transport/test_certificates.h"

namespace letterbox::test {

/// Serves these, and what on() adds; any other path is 404 by its catch-all handler:
///   /hello    "hello", by cpprestsdk's own reply()
///   /length   how many bytes the body has, in decimal
///   /echo     the body, streamed back while it comes
///   /bytes/N  N bytes 'x', streamed
///   /early    413 with a body, before anything of the request's is read
///   /peer     who asks: address, and subject and SPKI's hash of a certificate
/// It has two endpoints; the second one demands client certificates.
class TestServer {
 public:
  using Handler = std::function<void(const web::http::http_request&)>;

  explicit TestServer(const gateway::transport::Limits& limits = {});
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  /// For requests from now on.
  void on(const std::string& path, Handler handler);

  std::uint16_t port() const { return transport_->port(); }
  std::uint16_t machine_port() const { return transport_->port(1); }
  gateway::transport::Transport& transport() const { return *transport_; }
  CertificateFiles& files() { return files_; }
  const CertificateFiles& files() const { return files_; }
  gateway::transport::Options options() const;
  void open_listener();
  void close_listener();
  /// Closes the listener, then the transport, as a program that ends does.
  void stop();
  /// The transport alone, with the listener still open.
  void stop_transport() { transport_.reset(); }
  /// Those whose client certificate was refused, as far as the transport has told of them.
  std::vector<gateway::transport::Peer> refused() const;

 private:
  void handle(const web::http::http_request& request);

  CertificateFiles files_;
  std::unique_ptr<gateway::transport::Transport> transport_;
  std::vector<std::unique_ptr<web::http::experimental::listener::http_listener>> listeners_;
  mutable std::mutex mutex_;
  std::vector<gateway::transport::Peer> refused_;
  std::map<std::string, Handler> handlers_;
};

/// `length` bytes 'x'.
class Filler final : public Source {
 public:
  explicit Filler(std::uint64_t length, std::size_t piece = 1024 * 1024)
      : left_(length), piece_(piece, 'x') {}
  ByteView next() override;

 private:
  std::uint64_t left_;
  Bytes piece_;
};

/// What body_of(request) yields to its end, counted.
std::uint64_t count_body(const web::http::http_request& request);

std::string get(const std::string& path, const std::string& fields = "");
std::string post(const std::string& path, const std::string& body, const std::string& fields = "");

}  // namespace letterbox::test
