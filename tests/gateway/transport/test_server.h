// A Transport in this process, with handlers that a test gives it.
#pragma once

#include <cpprest/http_listener.h>

#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/bytes.h"
#include "gateway/transport/transport.h"

namespace letterbox::test {

/// A directory that goes away with it, holding a fresh key and a certificate for localhost and
/// 127.0.0.1.
class CertificateFiles {
 public:
  CertificateFiles();
  ~CertificateFiles();
  CertificateFiles(const CertificateFiles&) = delete;
  CertificateFiles& operator=(const CertificateFiles&) = delete;

  std::filesystem::path directory() const { return directory_; }
  std::filesystem::path certificate() const { return directory_ / "certificate.pem"; }
  std::filesystem::path private_key() const { return directory_ / "key.pem"; }

 private:
  std::filesystem::path directory_;
};

/// Serves these, and what on() adds; any other path is 404 by its catch-all handler:
///   /hello    "hello", by cpprestsdk's own reply()
///   /length   how many bytes the body has, in decimal
///   /echo     the body, streamed back while it comes
///   /bytes/N  N bytes 'x', streamed
///   /early    413 with a body, before anything of the request's is read
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
  gateway::transport::Transport& transport() const { return *transport_; }
  const CertificateFiles& files() const { return files_; }
  gateway::transport::Options options() const;
  void open_listener();
  void close_listener();
  /// Closes the listener, then the transport, as a program that ends does.
  void stop();
  /// The transport alone, with the listener still open.
  void stop_transport() { transport_.reset(); }

 private:
  void handle(const web::http::http_request& request);

  CertificateFiles files_;
  std::unique_ptr<gateway::transport::Transport> transport_;
  std::unique_ptr<web::http::experimental::listener::http_listener> listener_;
  std::mutex mutex_;
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
