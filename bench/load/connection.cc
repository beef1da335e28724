#include "bench/load/connection.h"

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

Endpoint::Endpoint(const std::string& address, const Security& security)
    : authority_(address),
      tls_(security.plain ? nullptr : SSL_CTX_new(TLS_client_method())),
      epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  const auto colon = address.rfind(':');
  address_.sin_family = AF_INET;
  if (colon == std::string::npos ||
      inet_pton(AF_INET, address.substr(0, colon).c_str(), &address_.sin_addr) != 1) {
    throw std::runtime_error("not an address and a port: " + address);
  }
  address_.sin_port = htons(static_cast<std::uint16_t>(std::stoul(address.substr(colon + 1))));
  if (epoll_ < 0) fail("epoll");
  if (security.plain) return;

  SSL_CTX* const tls = tls_.get();
  SSL_CTX_set_verify(tls, SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS);
  if (!security.suite.empty() && (SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) != 1 ||
                                  SSL_CTX_set_ciphersuites(tls, security.suite.c_str()) != 1 ||
                                  SSL_CTX_set1_groups_list(tls, "X25519") != 1)) {
    throw std::runtime_error("OpenSSL knows no suite " + security.suite);
  }
  if (!security.certificate.empty() &&
      (SSL_CTX_use_certificate_chain_file(tls, security.certificate.c_str()) != 1 ||
       SSL_CTX_use_PrivateKey_file(tls, security.private_key.c_str(), SSL_FILETYPE_PEM) != 1)) {
    throw std::runtime_error("OpenSSL can't use " + security.certificate + " with " +
                             security.private_key);
  }
}

Endpoint::~Endpoint() {
  close(epoll_);
}

Connection::Connection(const Endpoint& endpoint, void* tag)
    : endpoint_(endpoint),
      tag_(tag),
      socket_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
      ssl_(endpoint.tls_ ? SSL_new(endpoint.tls_.get()) : nullptr) {
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
  if (ssl_) SSL_set_fd(ssl_.get(), socket_);
  await_room(true);
}

Connection::~Connection() {
  ERR_clear_error();
  if (ssl_ && SSL_is_init_finished(ssl_.get()) == 1) SSL_shutdown(ssl_.get());
  close(socket_);
}

Progress Connection::handshake() {
  // Whether it is connected shows at the first write.
  if (!ssl_) return Progress::kMade;
  ERR_clear_error();
  const int result = SSL_connect(ssl_.get());
  await_room(SSL_want_write(ssl_.get()));
  return progress_after(result);
}

Progress Connection::write(std::string_view& bytes) {
  if (!ssl_) {
    const ssize_t result = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (result > 0) bytes.remove_prefix(static_cast<std::size_t>(result));
    return plain_progress_after(result);
  }
  ERR_clear_error();
  std::size_t sent = 0;
  const Progress progress =
      progress_after(SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &sent));
  bytes.remove_prefix(sent);
  return progress;
}

Progress Connection::read(std::span<char> room, std::size_t& size) {
  if (!ssl_) {
    const ssize_t result = recv(socket_, room.data(), room.size(), 0);
    if (result > 0) size = static_cast<std::size_t>(result);
    return plain_progress_after(result);
  }
  ERR_clear_error();
  return progress_after(SSL_read_ex(ssl_.get(), room.data(), room.size(), &size));
}

void Connection::await_room(bool wanted) {
  watch(wanted ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

Progress Connection::plain_progress_after(ssize_t result) {
  if (result > 0) return Progress::kMade;
  const bool wait = result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
  return wait ? Progress::kMustWait : Progress::kGone;
}

Progress Connection::progress_after(int result) {
  if (result == 1) return Progress::kMade;
  const int error = SSL_get_error(ssl_.get(), result);
  const bool wait = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
  return wait ? Progress::kMustWait : Progress::kGone;
}

void Connection::watch(std::uint32_t events) {
  if (events == watched_) return;
  epoll_event event{};
  event.events = events;
  event.data.ptr = tag_;
  epoll_ctl(endpoint_.epoll(), watched_ == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket_, &event);
  watched_ = events;
}

}  // namespace letterbox::load
