// TLS over a TCP socket.
#pragma once

#include <openssl/ssl.h>

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>

#include "gateway/transport/tls_context.h"
#include "gateway/transport/wire.h"

namespace letterbox::gateway::transport {

/// OpenSSL reads and writes the socket itself, and asio only says when that is worth trying. Beside
/// asio's own ssl::stream this spares two copies of every byte and the 70 KB of buffers that such a
/// stream keeps for a peer who says nothing.
class TlsWire final : public Wire {
 public:
  /// The socket's executor is a strand. What a handshake computes runs on `handshakes` instead: it
  /// costs as much as hundreds of requests do, and those who are in shouldn't wait for those who
  /// come. It is there that `certificate_refused`, which must outlive this, is told of a peer whose
  /// certificate isn't good. Throws std::bad_alloc.
  TlsWire(boost::asio::ip::tcp::socket socket, std::shared_ptr<const TlsContext> context,
          boost::asio::any_io_executor handshakes,
          const std::function<void(const Peer&)>& certificate_refused);

  boost::asio::any_io_executor executor() override { return socket_.get_executor(); }
  /// The handshake.
  boost::asio::awaitable<bool> open() override;
  Peer peer() const override;
  boost::asio::awaitable<std::size_t> read_some(std::span<Byte> room) override;
  boost::asio::awaitable<std::size_t> write_some(ByteView bytes) override;
  boost::asio::awaitable<void> finish() override;
  boost::asio::awaitable<std::size_t> discard() override;
  void cancel() noexcept override;
  void close() noexcept override;

 private:
  struct Free {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  };
  boost::asio::awaitable<int> step_of_handshake();
  boost::asio::awaitable<int> compute();
  boost::asio::awaitable<bool> worth_trying_again(int error_of_ssl);
  Peer sender() const;
  void report_refused_certificate() const;
  static void on_message(int outgoing, int version, int type, const void* message, std::size_t size,
                         SSL* ssl, void* self);

  boost::asio::ip::tcp::socket socket_;
  const boost::asio::ip::address address_;  // the peer's; who has hung up must be known, too
  std::shared_ptr<const TlsContext> context_;
  std::unique_ptr<SSL, Free> ssl_;
  const boost::asio::any_io_executor handshakes_;
  const std::function<void(const Peer&)>& certificate_refused_;
  int late_messages_ = 0;  // of the handshake protocol, after the handshake
  bool open_ = false;
  bool away_ = false;    // a step of the handshake is being computed, and the socket is in use
  bool broken_ = false;  // closed, or of no use to OpenSSL any more
};

}  // namespace letterbox::gateway::transport
