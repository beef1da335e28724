// A connection to the server under load, with or without TLS: non-blocking, and watched by an
// epoll.
#pragma once

#include <netinet/in.h>
#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace letterbox::load {

/// How its connections are secured.
struct Security {
  bool plain = false;  ///< not at all: for a server that speaks HTTP alone
  std::string suite;   ///< TLS 1.3 with this suite and X25519 is all that is offered, if given,
                       ///< so that servers are compared at the same cipher
  std::string certificate;  ///< PEM, to show; with its key
  std::string private_key;
};

/// Where the load goes, and the epoll that watches its connections. Not thread-safe.
class Endpoint {
 public:
  /// `address` is A.B.C.D:PORT. No session is ever resumed, and the server's certificate isn't
  /// checked: this measures, it doesn't trust. Throws std::runtime_error.
  Endpoint(const std::string& address, const Security& security);
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  const std::string& authority() const noexcept { return authority_; }
  int epoll() const noexcept { return epoll_; }

 private:
  friend class Connection;
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  std::string authority_;
  sockaddr_in address_{};
  std::unique_ptr<SSL_CTX, Free> tls_;  // null: plain
  int epoll_;
};

enum class Progress {
  kMade,
  kMustWait,  ///< for the epoll to say that the socket is ready
  kGone,      ///< the peer has closed, or refused
};

class Connection {
 public:
  /// Begins to connect. The epoll's events carry `tag`. Throws std::runtime_error when this side
  /// has no more descriptors or ports.
  Connection(const Endpoint& endpoint, void* tag);
  /// Says goodbye, if there was a handshake, and closes.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Connects and shakes hands, if there is TLS; to be called until it is made.
  Progress handshake();
  /// Takes what was sent off the front of `bytes`: with TLS one record at the most.
  Progress write(std::string_view& bytes);
  /// Whether the epoll tells of room to write too, and not only of something to read.
  void await_room(bool wanted);
  /// Sets `size` to what was read: with TLS one record at the most.
  Progress read(std::span<char> room, std::size_t& size);

 private:
  Progress progress_after(int result);
  static Progress plain_progress_after(ssize_t result);
  void watch(std::uint32_t events);

  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  const Endpoint& endpoint_;
  void* const tag_;
  int socket_;
  std::uint32_t watched_ = 0;
  std::unique_ptr<SSL, Free> ssl_;  // null: plain
};

}  // namespace letterbox::load
