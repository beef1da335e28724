#include "gateway/config.h"

#include <arpa/inet.h>

#include <charconv>

#include "base/error.h"
#include "records/target_uri.h"

namespace letterbox::gateway {

namespace {

bool is_loopback(const std::string& host) {
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool is_address(const std::string& host) {
  in_addr v4{};
  in6_addr v6{};
  return inet_pton(AF_INET, host.c_str(), &v4) == 1 || inet_pton(AF_INET6, host.c_str(), &v6) == 1;
}

bool is_any(const std::string& host) {
  return host == "0.0.0.0" || host == "::";
}

// How clients address the gateway: "[::1]:8443" has the host "::1".
std::string public_host(const Config& config) {
  if (config.public_url.empty()) return config.listen.host;
  const std::string authority = records::TargetUri::parse(config.public_url).authority;
  if (authority.front() == '[') return authority.substr(1, authority.find(']') - 1);
  return authority.substr(0, authority.find(':'));
}

// Two listeners that couldn't both have their address.
bool is_same(const ListenAddress& one, const std::optional<ListenAddress>& other) {
  return other && one.port != 0 && one.port == other->port && one.host == other->host;
}

}  // namespace

std::string ListenAddress::text() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

std::string ListenAddress::url(std::uint16_t actual_port) const {
  return "https://" + ListenAddress{host, actual_port}.text();
}

std::string ListenAddress::url_from_here(std::uint16_t actual_port) const {
  if (!is_any(host)) return url(actual_port);
  return ListenAddress{host == "::" ? "::1" : "127.0.0.1", 0}.url(actual_port);
}

ListenAddress parse_listen_address(const std::string& text) {
  const auto refuse = [&](const char* why) {
    throw Error(ErrorCode::kConfiguration, text + ": " + why);
  };
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) refuse("needs HOST:PORT, like 127.0.0.1:8443");
  ListenAddress address{text.substr(0, colon), 0};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, address.port);
  if (error != std::errc() || stop != end) refuse("the port isn't a number up to 65535");
  if (address.host.size() > 2 && address.host.front() == '[' && address.host.back() == ']') {
    address.host = address.host.substr(1, address.host.size() - 2);
  }
  if (address.host == "localhost") address.host = "127.0.0.1";
  if (!is_address(address.host)) refuse("the host must be an IP address");
  return address;
}

ListenAddress parse_loopback_address(const std::string& text) {
  ListenAddress address = parse_listen_address(text);
  if (!is_loopback(address.host)) {
    throw Error(ErrorCode::kConfiguration,
                text + ": must be a loopback address, like 127.0.0.1 or [::1]");
  }
  return address;
}

void require_consistent(const Config& config) {
  const auto refuse = [](const char* why) { throw Error(ErrorCode::kConfiguration, why); };
  if (config.data.empty()) {
    refuse("no data directory: give --data, LETTERBOX_DATA, or data in the file");
  }
  if (config.tls_certificate.empty() != config.tls_private_key.empty()) {
    refuse("tls.certificate and tls.private_key need each other");
  }
  if (config.machine_listen.has_value() == config.machine_client_authority.empty()) {
    refuse("machine.listen and machine.client_authority need each other");
  }
  const MailRelay& relay = config.mail_relay;
  if (relay.address.empty() != config.mail_from.empty()) {
    refuse("mail.relay and mail.from need each other");
  }
  if (relay.user.empty() != relay.password.empty()) {
    refuse("mail.user and mail.password need each other");
  }
  if (!relay.user.empty() && relay.tls == MailRelay::Tls::kNone) {
    refuse("a password isn't sent without TLS: mail.tls");
  }
  const std::string host = public_host(config);
  if (is_any(host)) {
    refuse(
        "public_url is needed where the gateway listens on every address: by which do clients know "
        "it?");
  }
  if (config.tls_certificate.empty() && host != "localhost" && !is_loopback(host)) {
    refuse(
        "the gateway's own certificate is for loopback addresses alone: tls.certificate is needed "
        "where clients know it by another, or public_url where they don't");
  }
  if (is_same(config.listen, config.machine_listen) ||
      is_same(config.listen, config.metrics_listen) ||
      (config.machine_listen && is_same(*config.machine_listen, config.metrics_listen))) {
    refuse("listen, machine.listen and metrics.listen must differ");
  }
  if (config.limits.peer_workers > config.limits.workers) {
    refuse("limits.peer_workers are some of limits.workers, and can't be more");
  }
  if (config.limits.peer_requests > config.limits.requests) {
    refuse("limits.peer_requests are some of limits.requests, and can't be more");
  }
  if (config.limits.target_bytes > config.limits.header_bytes) {
    refuse("limits.target_bytes are some of limits.header_bytes, and can't be more");
  }
}

}  // namespace letterbox::gateway
