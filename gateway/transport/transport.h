// HTTPS for the gateway: cpprestsdk's http_server interface, implemented on Boost.Asio.
//
// cpprestsdk's stock listener buffers bodies without limit, has no timeouts and dies of one bad
// chunk size (docs/adr/). So this one takes its place underneath
// web::http::experimental::listener::http_listener; everything above stays an ordinary cpprestsdk
// handler, called on a bounded pool of threads, and may block.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace letterbox::gateway::transport {

/// Bounds on what a peer may make us keep or wait for. Every one is enforced before a handler runs
/// or while it reads.
struct Limits {
  std::size_t header_bytes = 16UL * 1024;  ///< request line and fields; more: 431
  std::size_t header_fields = 100;         ///< more: 431
  std::size_t target_bytes = 8UL * 1024;   ///< more: 414
  std::uint64_t body_bytes = 1ULL << 40;   ///< more: 413
  std::size_t connections = 1000;          ///< more: not accepted until one ends
  std::size_t workers = 16;                ///< requests in a handler at once
  std::chrono::seconds handshake{10};      ///< TLS, from accept
  std::chrono::seconds header{10};         ///< from its first byte to its last; else 408
  std::chrono::seconds idle{60};           ///< between requests of a kept-alive connection
  std::chrono::seconds stall{30};          ///< for `stall_bytes` to move, in a body or an answer
  std::size_t stall_bytes = 64UL * 1024;   ///< less than that in `stall`: 408, or the answer is cut
  std::chrono::seconds grace{5};           ///< for requests at hand when a listener closes
};

struct Options {
  std::string host;                         ///< an IP address
  std::uint16_t port = 0;                   ///< 0: any free one
  std::filesystem::path certificate_chain;  ///< PEM, the server's own first
  std::filesystem::path private_key;        ///< PEM
  Limits limits = {};
};

/// The one HTTPS server of the process; there is one at a time. It binds when made, and serves once
/// an http_listener for `https://host:port()` is opened. From the first one on, every http_listener
/// of the process stands on a Transport or fails to open: cpprestsdk's own never comes back.
class Transport {
 public:
  /// Throws Error kConfiguration: address not ours, port taken, certificate or key unusable, or
  /// another Transport is there.
  explicit Transport(const Options& options);
  /// Stops accepting, lets running requests end within Limits::grace, then closes all connections
  /// and waits for the handlers, whose peers are gone now, to return.
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  std::uint16_t port() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace letterbox::gateway::transport
