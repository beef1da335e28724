#include "tests/gateway/transport/tls_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <stdexcept>

namespace letterbox::test {

namespace {

constexpr int kPatienceSeconds = 30;

void set_timeout(int socket, int option, int milliseconds) {
  const timeval time{milliseconds / 1000, (milliseconds % 1000) * 1000};
  setsockopt(socket, SOL_SOCKET, option, &time, sizeof time);
}

/// OpenSSL writes to the socket without MSG_NOSIGNAL. The signal is this thread's, and goes unseen;
/// what the transport does about it is not touched.
class NoPipeSignal {
 public:
  NoPipeSignal() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoPipeSignal() {
    const timespec now{};
    while (sigtimedwait(&pipe_, nullptr, &now) == SIGPIPE) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoPipeSignal(const NoPipeSignal&) = delete;
  NoPipeSignal& operator=(const NoPipeSignal&) = delete;

 private:
  sigset_t pipe_{};
  sigset_t before_{};
};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

TcpClient::TcpClient(std::uint16_t port, const char* from)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (socket_ < 0) throw std::runtime_error(std::string("socket: ") + std::strerror(errno));
  set_timeout(socket_, SO_RCVTIMEO, kPatienceSeconds * 1000);
  set_timeout(socket_, SO_SNDTIMEO, kPatienceSeconds * 1000);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  inet_pton(AF_INET, from, &address.sin_addr);
  bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const std::string why = std::strerror(errno);
    ::close(socket_);
    throw std::runtime_error("connect: " + why);
  }
}

TcpClient::~TcpClient() {
  close();
}

void TcpClient::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

void TcpClient::reset_on_close() const {
  const linger now{1, 0};
  setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

void TcpClient::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) throw std::runtime_error(std::string("send: ") + std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string TcpClient::receive_all() const {
  std::string all;
  std::array<char, 4096> piece{};
  while (true) {
    const ssize_t size = recv(socket_, piece.data(), piece.size(), 0);
    if (size < 0 && errno == ECONNRESET) return all;
    if (size < 0) throw std::runtime_error(std::string("recv: ") + std::strerror(errno));
    if (size == 0) return all;
    all.append(piece.data(), static_cast<std::size_t>(size));
  }
}

TlsClient::TlsClient(std::uint16_t port, const Options& options)
    : tcp_(port, options.from), context_(SSL_CTX_new(TLS_client_method())) {
  SSL_CTX_set_security_level(context_.get(), 0);  // so that it's the server who refuses
  SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context_.get(), options.max_version);
  SSL_CTX_set_mode(context_.get(), SSL_MODE_AUTO_RETRY | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (!options.certificate.empty()) {
    SSL_CTX_use_certificate_chain_file(context_.get(), options.certificate.c_str());
    SSL_CTX_use_PrivateKey_file(context_.get(), options.private_key.c_str(), SSL_FILETYPE_PEM);
  }
  ssl_.reset(SSL_new(context_.get()));
  if (options.session != nullptr) SSL_set_session(ssl_.get(), options.session);
  SSL_set_tlsext_host_name(ssl_.get(), "localhost");
  SSL_set_fd(ssl_.get(), tcp_.descriptor());
  if (options.handshake && !handshake()) throw std::runtime_error("the handshake failed");
}

bool TlsClient::handshake() {
  const NoPipeSignal guard;
  ERR_clear_error();
  return SSL_connect(ssl_.get()) == 1;
}

void TlsClient::send(std::string_view bytes) {
  const NoPipeSignal guard;
  while (!bytes.empty()) {
    ERR_clear_error();
    std::size_t sent = 0;
    if (SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &sent) != 1) {
      throw std::runtime_error("the peer takes no more");
    }
    bytes.remove_prefix(sent);
  }
}

std::size_t TlsClient::send_while_taken(char byte, std::size_t count, int patience_ms) {
  const NoPipeSignal guard;
  set_timeout(tcp_.descriptor(), SO_SNDTIMEO, patience_ms);
  const std::string block(16 * 1024, byte);
  std::size_t total = 0;
  while (total < count) {
    ERR_clear_error();
    std::size_t sent = 0;
    if (SSL_write_ex(ssl_.get(), block.data(), std::min(block.size(), count - total), &sent) != 1) {
      break;
    }
    total += sent;
  }
  set_timeout(tcp_.descriptor(), SO_SNDTIMEO, kPatienceSeconds * 1000);
  return total;
}

std::string TlsClient::receive_some() {
  const NoPipeSignal guard;
  std::string bytes(16 * 1024, '\0');
  std::size_t size = 0;
  ERR_clear_error();
  errno = 0;
  if (SSL_read_ex(ssl_.get(), bytes.data(), bytes.size(), &size) != 1) {
    if (errno == EAGAIN) throw std::runtime_error("nothing came for too long");
    return {};
  }
  bytes.resize(size);
  return bytes;
}

bool TlsClient::has_something_to_read() const {
  pollfd poller{tcp_.descriptor(), POLLIN, 0};
  return !pending_.empty() || SSL_pending(ssl_.get()) > 0 || poll(&poller, 1, 0) == 1;
}

std::string TlsClient::take_line() {
  while (true) {
    if (const auto end = pending_.find("\r\n"); end != std::string::npos) {
      std::string line = pending_.substr(0, end);
      pending_.erase(0, end + 2);
      return line;
    }
    const std::string more = receive_some();
    if (more.empty()) throw std::runtime_error("the peer closed in the middle of an answer");
    pending_ += more;
  }
}

std::string TlsClient::take(std::size_t size) {
  while (pending_.size() < size) {
    const std::string more = receive_some();
    if (more.empty()) throw std::runtime_error("the peer closed in the middle of an answer");
    pending_ += more;
  }
  std::string bytes = pending_.substr(0, size);
  pending_.erase(0, size);
  return bytes;
}

Answer TlsClient::receive(bool head) {
  Answer answer;
  const std::string status = take_line();
  if (!status.starts_with("HTTP/1.1 ")) throw std::runtime_error("not an answer: " + status);
  answer.status = std::stoi(status.substr(9, 3));
  for (std::string line = take_line(); !line.empty(); line = take_line()) {
    const auto colon = line.find(": ");
    answer.fields[lower(line.substr(0, colon))] = line.substr(colon + 2);
  }
  if (head || answer.status < 200 || answer.status == 204 || answer.status == 304) return answer;
  if (answer.fields.contains("content-length")) {
    answer.body = take(std::stoul(answer.fields["content-length"]));
  } else if (answer.fields["transfer-encoding"] == "chunked") {
    while (const auto size = std::stoul(take_line(), nullptr, 16)) {
      answer.body += take(size);
      take_line();
    }
    take_line();
  } else {
    for (auto more = receive_some(); !more.empty(); more = receive_some()) pending_ += more;
    answer.body = std::move(pending_);
    pending_.clear();
  }
  return answer;
}

}  // namespace letterbox::test
