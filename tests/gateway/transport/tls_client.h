// A peer that can misbehave: a TLS socket without an HTTP library behind it.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace letterbox::test {

/// A TCP connection to 127.0.0.1. Whatever waits gives up after 30 seconds and throws.
class TcpClient {
 public:
  explicit TcpClient(std::uint16_t port, const char* from = "127.0.0.1");
  ~TcpClient();
  TcpClient(const TcpClient&) = delete;
  TcpClient& operator=(const TcpClient&) = delete;

  int descriptor() const noexcept { return socket_; }
  void send(std::string_view bytes) const;
  /// All that comes until the peer closes.
  std::string receive_all() const;
  /// Makes close() a reset.
  void reset_on_close() const;
  void close();

 private:
  int socket_;
};

struct Answer {
  int status = 0;
  std::map<std::string, std::string> fields;  ///< names in lowercase
  std::string body;
};

class TlsClient {
 public:
  struct Options {
    int max_version = TLS1_3_VERSION;
    bool handshake = true;
    const char* from = "127.0.0.1";          ///< address to connect from
    std::filesystem::path certificate = {};  ///< PEM, with its key: to show when asked
    std::filesystem::path private_key = {};
    SSL_SESSION* session = nullptr;  ///< to resume
  };
  explicit TlsClient(std::uint16_t port) : TlsClient(port, Options()) {}
  TlsClient(std::uint16_t port, const Options& options);

  /// False: the handshake failed.
  bool handshake();
  SSL* native() const noexcept { return ssl_.get(); }
  TcpClient& tcp() noexcept { return tcp_; }

  void send(std::string_view bytes);
  /// Sends `byte` up to `count` times, and returns how many the peer took until it had none for
  /// `patience_ms`, or was gone.
  std::size_t send_while_taken(char byte, std::size_t count, int patience_ms);
  /// Some bytes, at most 16 KiB; empty once the peer has closed.
  std::string receive_some();
  bool has_something_to_read() const;
  /// Reads one answer to its end. With `head`, there is no body whatever the fields say. Throws if
  /// the peer closes before.
  Answer receive(bool head = false);
  Answer ask(std::string_view request) {
    send(request);
    return receive();
  }
  /// Whether the peer closes without another byte.
  bool is_closed() { return pending_.empty() && receive_some().empty(); }

 private:
  std::string take_line();
  std::string take(std::size_t size);

  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  TcpClient tcp_;
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> ssl_;
  std::string pending_;
};

}  // namespace letterbox::test
