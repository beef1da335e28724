#include "gateway/transport/tls_wire.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <new>

#include "base/log.h"
#include "gateway/transport/socket_bio.h"

namespace letterbox::gateway::transport {

namespace asio = boost::asio;
using boost::system::error_code;
using Socket = asio::ip::tcp::socket;

namespace {

// TLS 1.3 lets a peer ask for new keys as often as it likes, TLS 1.2 for a new handshake, and each
// costs us more than it costs the peer. An honest one does neither within a terabyte.
constexpr int kMostLateMessages = 32;

// For the log: never anything that the certificate says.
const char* problem_of(long verify_result) noexcept {
  switch (verify_result) {
    case X509_V_OK:
      return nullptr;
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "not yet valid";
    case X509_V_ERR_CERT_REVOKED:
      return "revoked";
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_UNABLE_TO_GET_CRL:
      return "no current revocation list of its authority";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return "unknown authority";
    default:
      return "unfit";
  }
}

asio::ip::address address_of(const Socket& socket) {
  error_code gone;
  return socket.remote_endpoint(gone).address();
}

}  // namespace

TlsWire::TlsWire(Socket socket, std::shared_ptr<const TlsContext> context,
                 asio::any_io_executor handshakes,
                 const std::function<void(const Peer&)>& certificate_refused)
    : socket_(std::move(socket)),
      address_(address_of(socket_)),
      context_(std::move(context)),
      ssl_(SSL_new(context_->native())),
      handshakes_(std::move(handshakes)),
      certificate_refused_(certificate_refused) {
  if (!ssl_) throw std::bad_alloc();
  error_code ignored;
  socket_.native_non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  BIO* const bio = new_socket_bio(socket_.native_handle());
  if (bio == nullptr) throw std::bad_alloc();
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_msg_callback(ssl_.get(), on_message);
  SSL_set_msg_callback_arg(ssl_.get(), this);
  SSL_set_accept_state(ssl_.get());
}

asio::awaitable<bool> TlsWire::open() {
  while (!broken_) {
    const int error = co_await step_of_handshake();
    if (broken_) break;
    if (error == SSL_ERROR_NONE) {
      open_ = true;
      co_return true;
    }
    if (!co_await worth_trying_again(error)) break;
  }
  co_return false;
}

asio::awaitable<int> TlsWire::step_of_handshake() {
  away_ = true;
  const int error = co_await asio::co_spawn(handshakes_, compute(), asio::use_awaitable);
  away_ = false;
  if (broken_) close();
  co_return error;
}

// On the other executor. What SSL_get_error says has to be asked on the same thread.
asio::awaitable<int> TlsWire::compute() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_SSL) report_refused_certificate();
  co_return error;
}

asio::awaitable<std::size_t> TlsWire::read_some(std::span<Byte> room) {
  while (!broken_) {
    std::size_t size = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(ssl_.get(), room.data(), room.size(), &size);
    if (result == 1) co_return size;
    if (!co_await worth_trying_again(SSL_get_error(ssl_.get(), result))) break;
  }
  co_return 0;
}

asio::awaitable<std::size_t> TlsWire::write_some(ByteView bytes) {
  while (!broken_) {
    std::size_t size = 0;
    ERR_clear_error();
    // One record at the most.
    more_follows(SSL_get_wbio(ssl_.get()), bytes.size() > SSL3_RT_MAX_PLAIN_LENGTH);
    const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &size);
    if (result == 1) co_return size;
    if (!co_await worth_trying_again(SSL_get_error(ssl_.get(), result))) break;
  }
  co_return 0;
}

// After a call of OpenSSL's that wasn't done: waits for what it needs.
asio::awaitable<bool> TlsWire::worth_trying_again(int error_of_ssl) {
  auto wait = Socket::wait_read;
  switch (error_of_ssl) {
    case SSL_ERROR_WANT_READ:
      break;
    case SSL_ERROR_WANT_WRITE:
      wait = Socket::wait_write;
      break;
    case SSL_ERROR_ZERO_RETURN:
      co_return false;
    default:
      broken_ = true;
      co_return false;
  }
  error_code error;
  co_await socket_.async_wait(wait, asio::redirect_error(asio::use_awaitable, error));
  co_return !error;
}

asio::awaitable<void> TlsWire::finish() {
  // Before the handshake, and after an error, OpenSSL has nothing to say goodbye with.
  while (open_ && !broken_) {
    ERR_clear_error();
    const int result = SSL_shutdown(ssl_.get());
    if (result >= 0) break;
    const int error = SSL_get_error(ssl_.get(), result);
    if (error != SSL_ERROR_WANT_WRITE || !co_await worth_trying_again(error)) break;
  }
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

// What a peer still sends after our goodbye isn't worth decrypting, nor copying: see tcp(7) on
// MSG_TRUNC.
asio::awaitable<std::size_t> TlsWire::discard() {
  constexpr std::size_t kAtOnce = 64UL * 1024;
  while (socket_.is_open()) {
    const ssize_t size = ::recv(socket_.native_handle(), nullptr, kAtOnce, MSG_TRUNC);
    if (size > 0) co_return static_cast<std::size_t>(size);
    if (size == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) break;
    error_code error;
    co_await socket_.async_wait(Socket::wait_read,
                                asio::redirect_error(asio::use_awaitable, error));
    if (error) break;
  }
  co_return 0;
}

void TlsWire::cancel() noexcept {
  error_code ignored;
  socket_.cancel(ignored);
}

void TlsWire::close() noexcept {
  broken_ = true;
  error_code ignored;
  // Its number could be another socket's before that thread is done with it.
  if (away_) {
    socket_.shutdown(Socket::shutdown_both, ignored);
  } else {
    socket_.close(ignored);
  }
}

Peer TlsWire::sender() const {
  Peer peer;
  peer.address = address_.to_string();
  peer.network = peer.address;
  if (address_.is_v6()) {
    auto bytes = address_.to_v6().to_bytes();
    std::fill(bytes.begin() + 8, bytes.end(), Byte{0});
    peer.network = asio::ip::address_v6(bytes).to_string();
  }
  return peer;
}

Peer TlsWire::peer() const {
  Peer peer = sender();
  X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate != nullptr) peer.certificate = client_certificate(certificate);
  return peer;
}

void TlsWire::report_refused_certificate() const {
  const bool none = ERR_GET_REASON(ERR_peek_error()) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE;
  const char* const reason = none ? "none" : problem_of(SSL_get_verify_result(ssl_.get()));
  if (reason == nullptr) return;  // it was something else
  const Peer peer = sender();
  log::warn("client certificate refused", {{"peer", peer.address}, {"reason", reason}});
  certificate_refused_(peer);
}

void TlsWire::on_message(int outgoing, int /*version*/, int type, const void* /*message*/,
                         std::size_t /*size*/, SSL* /*ssl*/, void* self) {
  auto& wire = *static_cast<TlsWire*>(self);
  if (type != SSL3_RT_HANDSHAKE || outgoing != 0 || !wire.open_) return;
  // OpenSSL goes on reading as long as there are such messages, so it is stopped from below.
  if (++wire.late_messages_ > kMostLateMessages) {
    ::shutdown(wire.socket_.native_handle(), SHUT_RDWR);
  }
}

}  // namespace letterbox::gateway::transport
