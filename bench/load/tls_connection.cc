#include "bench/load/tls_connection.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace letterbox::load {

namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

}  // namespace

Endpoint::Endpoint(const std::string& address, const std::string& suite,
                   const std::string& certificate, const std::string& private_key)
    : authority_(address),
      tls_(SSL_CTX_new(TLS_client_method())),
      epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  const auto colon = address.rfind(':');
  address_.sin_family = AF_INET;
  if (colon == std::string::npos ||
      inet_pton(AF_INET, address.substr(0, colon).c_str(), &address_.sin_addr) != 1) {
    throw std::runtime_error("not an address and a port: " + address);
  }
  address_.sin_port = htons(static_cast<std::uint16_t>(std::stoul(address.substr(colon + 1))));
  if (epoll_ < 0) fail("epoll");

  SSL_CTX* const tls = tls_.get();
  SSL_CTX_set_verify(tls, SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS);
  if (!suite.empty() && (SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) != 1 ||
                         SSL_CTX_set_ciphersuites(tls, suite.c_str()) != 1 ||
                         SSL_CTX_set1_groups_list(tls, "X25519") != 1)) {
    throw std::runtime_error("OpenSSL knows no suite " + suite);
  }
  if (!certificate.empty() &&
      (SSL_CTX_use_certificate_chain_file(tls, certificate.c_str()) != 1 ||
       SSL_CTX_use_PrivateKey_file(tls, private_key.c_str(), SSL_FILETYPE_PEM) != 1)) {
    throw std::runtime_error("OpenSSL can't use " + certificate + " with " + private_key);
  }
}

Endpoint::~Endpoint() {
  close(epoll_);
}

TlsConnection::TlsConnection(const Endpoint& endpoint, void* tag)
    : endpoint_(endpoint),
      tag_(tag),
      socket_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
      ssl_(SSL_new(endpoint.tls_.get())) {
  if (socket_ < 0) fail("socket");
  const int on = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto* const address = reinterpret_cast<const sockaddr*>(&endpoint.address_);
  if (connect(socket_, address, sizeof endpoint.address_) != 0 && errno != EINPROGRESS) {
    const int why = errno;
    close(socket_);
    errno = why;
    fail("connect");
  }
  SSL_set_fd(ssl_.get(), socket_);
  await_room(true);
}

TlsConnection::~TlsConnection() {
  ERR_clear_error();
  if (SSL_is_init_finished(ssl_.get()) == 1) SSL_shutdown(ssl_.get());
  close(socket_);
}

Progress TlsConnection::handshake() {
  ERR_clear_error();
  const int result = SSL_connect(ssl_.get());
  await_room(SSL_want_write(ssl_.get()));
  return progress_after(result);
}

Progress TlsConnection::write(std::string_view& bytes) {
  ERR_clear_error();
  std::size_t sent = 0;
  const Progress progress =
      progress_after(SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &sent));
  bytes.remove_prefix(sent);
  return progress;
}

Progress TlsConnection::read(std::span<char> room, std::size_t& size) {
  ERR_clear_error();
  return progress_after(SSL_read_ex(ssl_.get(), room.data(), room.size(), &size));
}

void TlsConnection::await_room(bool wanted) {
  watch(wanted ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

Progress TlsConnection::progress_after(int result) {
  if (result == 1) return Progress::kMade;
  const int error = SSL_get_error(ssl_.get(), result);
  const bool wait = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
  return wait ? Progress::kMustWait : Progress::kGone;
}

void TlsConnection::watch(std::uint32_t events) {
  if (events == watched_) return;
  epoll_event event{};
  event.events = events;
  event.data.ptr = tag_;
  epoll_ctl(endpoint_.epoll(), watched_ == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket_, &event);
  watched_ = events;
}

}  // namespace letterbox::load
