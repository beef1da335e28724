#include "gateway/audit/collector.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <optional>
#include <utility>

#include "base/error.h"
#include "gateway/free.h"

namespace letterbox::gateway::audit {

namespace {

using TlsContext = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using Tls = std::unique_ptr<SSL, Free<SSL_free>>;
using Addresses = std::unique_ptr<addrinfo, Free<freeaddrinfo>>;

constexpr timeval kPatience{.tv_sec = 30, .tv_usec = 0};
// Session tickets come from the collector, and nothing else has to.
constexpr std::size_t kMostHeard = 64 * 1024;

class Socket {
 public:
  explicit Socket(const addrinfo& to)
      : socket_(socket(to.ai_family, to.ai_socktype | SOCK_CLOEXEC, to.ai_protocol)) {
    if (socket_ < 0) return;
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);  // of connect too
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    connected_ = connect(socket_, to.ai_addr, to.ai_addrlen) == 0;
  }
  ~Socket() {
    if (socket_ >= 0) close(socket_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  bool connected() const noexcept { return connected_; }
  int descriptor() const noexcept { return socket_; }
  /// Waits for the peer's end. False if it ended with a reset, as TCP does when something is left
  /// unread, or before its TCP had all that was sent.
  bool ends_with_everything_read() const noexcept {
    char more = 0;
    int waiting = 0;
    return recv(socket_, &more, 1, 0) == 0 && ioctl(socket_, SIOCOUTQ, &waiting) == 0 &&
           waiting == 0;
  }

 private:
  int socket_;
  bool connected_ = false;
};

// An encrypted key isn't asked a passphrase for: nobody may sit at the terminal.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*unused*/) {
  return -1;
}

void require(bool done, const std::filesystem::path& file, const char* why) {
  ERR_clear_error();
  if (!done) throw Error(ErrorCode::kConfiguration, file.string() + ": " + why);
}

TlsContext make_context(const CollectorTrust& trust) {
  TlsContext context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* const tls = context.get();
  if (tls == nullptr || SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1) {
    throw Error(ErrorCode::kInternal, "OpenSSL can't make a TLS context");
  }
  SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_default_passwd_cb(tls, no_passphrase);
  require(SSL_CTX_load_verify_file(tls, trust.authority.c_str()) == 1, trust.authority,
          "holds no PEM certificate that can be read");
  if (!trust.certificate.empty()) {
    require(SSL_CTX_use_certificate_chain_file(tls, trust.certificate.c_str()) == 1,
            trust.certificate, "holds no PEM certificate that can be read");
    require(SSL_CTX_use_PrivateKey_file(tls, trust.private_key.c_str(), SSL_FILETYPE_PEM) == 1,
            trust.private_key, "isn't the certificate's private key, unencrypted, as PEM");
  }
  return context;
}

// The certificate must name the host: RFC 5425 section 5.2.
void expect_host(SSL* tls, const std::string& host) {
  in6_addr ignored{};
  const bool is_address = inet_pton(AF_INET, host.c_str(), &ignored) == 1 ||
                          inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
  const bool expected = is_address
                            ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host.c_str()) == 1
                            : SSL_set1_host(tls, host.c_str()) == 1 &&
                                  SSL_set_tlsext_host_name(tls, host.c_str()) == 1;
  if (!expected) throw Error(ErrorCode::kConfiguration, host + ": isn't a host's name");
}

// What OpenSSL says of the failure just now, behind a colon; nothing if it says nothing.
std::string reason() {
  const char* const text = ERR_reason_error_string(ERR_peek_last_error());
  return text == nullptr ? "" : std::string(": ") + text;
}

// Reads, and forgets, until the collector says that it has ended. False if it doesn't say so.
bool ends_in_order(SSL* tls) {
  std::array<char, 4096> heard;
  std::size_t sum = 0;
  std::size_t size = 0;
  while (SSL_read_ex(tls, heard.data(), heard.size(), &size) == 1) {
    sum += size;
    if (sum > kMostHeard) return false;
  }
  return SSL_get_error(tls, 0) == SSL_ERROR_ZERO_RETURN;
}

}  // namespace

struct Collector::Context {
  TlsContext tls;
};

CollectorAddress parse_collector_address(const std::string& text) {
  const auto colon = text.rfind(':');
  CollectorAddress address;
  if (colon != std::string::npos) address = {text.substr(0, colon), text.substr(colon + 1)};
  if (address.host.starts_with('[') && address.host.ends_with(']')) {
    address.host = address.host.substr(1, address.host.size() - 2);
  } else if (address.host.find(':') != std::string::npos) {
    address.host.clear();
  }
  const bool is_number = address.port.find_first_not_of("0123456789") == std::string::npos;
  if (address.host.empty() || address.port.empty() || !is_number) {
    throw Error(ErrorCode::kConfiguration, text + ": needs HOST:PORT, like logs.example:6514");
  }
  return address;
}

Collector::Collector(CollectorAddress address, const CollectorTrust& trust)
    : address_(std::move(address)),
      context_(std::make_unique<Context>(Context{make_context(trust)})) {
  // OpenSSL writes with write(), and to write to a peer that has gone would end the process.
  (void)std::signal(SIGPIPE, SIG_IGN);
}

Collector::~Collector() = default;

void Collector::deliver(std::string_view frames) {
  const auto refuse = [&](const std::string& why) {
    ERR_clear_error();
    throw Error(ErrorCode::kNetwork, address_.host + ':' + address_.port + ": " + why);
  };

  // 1. Somebody answers.
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(address_.host.c_str(), address_.port.c_str(), &wanted, &found) != 0) {
    refuse("there is no such host");
  }
  const Addresses addresses(found);
  std::optional<Socket> peer;
  for (const addrinfo* to = found; to != nullptr; to = to->ai_next) {
    peer.emplace(*to);
    if (peer->connected()) break;
  }
  if (!peer || !peer->connected()) refuse("nobody answers");

  // 2. It is the collector.
  const Tls tls(SSL_new(context_->tls.get()));
  if (!tls || SSL_set_fd(tls.get(), peer->descriptor()) != 1) {
    throw Error(ErrorCode::kInternal, "OpenSSL can't make a TLS connection");
  }
  expect_host(tls.get(), address_.host);
  if (SSL_connect(tls.get()) != 1) {
    const long verified = SSL_get_verify_result(tls.get());
    refuse(verified == X509_V_OK
               ? "there is no TLS with it" + reason()
               : std::string("isn't trusted: ") + X509_verify_cert_error_string(verified));
  }

  // 3. It gets everything, and says so by ending after us. One that ended of its own accord says
  // the same, but leaves something unread.
  std::size_t written = 0;
  if (SSL_write_ex(tls.get(), frames.data(), frames.size(), &written) != 1) {
    refuse("ended before it had everything" + reason());
  }
  if (SSL_shutdown(tls.get()) < 0 || !ends_in_order(tls.get()) ||
      !peer->ends_with_everything_read()) {
    refuse("didn't end the TLS session in order, so nobody knows whether it has everything" +
           reason());
  }
}

}  // namespace letterbox::gateway::audit
