#include "gateway/config.h"

#include <arpa/inet.h>

#include <charconv>

#include "base/error.h"

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

}  // namespace

std::string ListenAddress::url(std::uint16_t actual_port) const {
  const bool v6 = host.find(':') != std::string::npos;
  return "https://" + (v6 ? '[' + host + ']' : host) + ':' + std::to_string(actual_port);
}

ListenAddress parse_listen_address(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) {
    throw Error(ErrorCode::kConfiguration,
                "--listen " + text + ": needs HOST:PORT, like 127.0.0.1:8443");
  }
  ListenAddress address{text.substr(0, colon), 0};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, address.port);
  if (error != std::errc() || stop != end) {
    throw Error(ErrorCode::kConfiguration,
                "--listen " + text + ": the port isn't a number up to 65535");
  }
  if (address.host.size() > 2 && address.host.front() == '[' && address.host.back() == ']') {
    address.host = address.host.substr(1, address.host.size() - 2);
  }
  if (address.host == "localhost") address.host = "127.0.0.1";
  if (!is_address(address.host)) {
    throw Error(ErrorCode::kConfiguration, "--listen " + text + ": the host must be an IP address");
  }
  if (!is_loopback(address.host)) {
    throw Error(ErrorCode::kConfiguration,
                "--listen " + text +
                    ": this gateway doesn't know yet who is calling, so it listens on loopback "
                    "addresses only; use 127.0.0.1 or [::1]");
  }
  return address;
}

}  // namespace letterbox::gateway
