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
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/transport/peer.h"

namespace letterbox::gateway::transport {

/// Bounds on what peers may make us keep or wait for, each and together. Every one is enforced
/// before a handler runs or while it reads.
struct Limits {
  std::size_t header_bytes = 16UL * 1024;         ///< request line and fields; more: 431
  std::size_t header_fields = 100;                ///< more: 431
  std::size_t target_bytes = 8UL * 1024;          ///< more: 414
  std::uint64_t body_bytes = 1ULL << 40;          ///< more: 413
  std::size_t stall_bytes = 64UL * 1024;          ///< see `stall`
  std::size_t connections = 4096;                 ///< open at once; more: see Transport
  std::size_t requests = 256;                     ///< at hand at once; more: 503
  std::size_t peer_requests = 128;                ///< of these, for one address; more: 503
  std::size_t body_memory = 128UL * 1024 * 1024;  ///< for their bodies together; more: 503
  std::size_t workers = 32;                       ///< requests in a handler at once; others wait
  std::size_t peer_workers = 16;                  ///< of these, for one address
  std::chrono::seconds handshake{10};             ///< TLS, from accept
  std::chrono::seconds header{10};                ///< from its first byte to its last; else 408
  std::chrono::seconds idle{60};                  ///< between requests of a kept-alive connection
  std::chrono::seconds stall{30};  ///< for `stall_bytes` to move; else 408, or the answer is cut
  std::chrono::seconds drain{30};  ///< for the requests at hand when a listener closes
};

/// Where connections come in.
struct Endpoint {
  std::string host;                         ///< an IP address
  std::uint16_t port = 0;                   ///< 0: any free one
  std::filesystem::path certificate_chain;  ///< PEM, the server's own first
  std::filesystem::path private_key;        ///< PEM
  /// PEM. If there is one, a peer must have a certificate that these authorities vouch for; else it
  /// is never asked for any, because a browser would put the question to its user.
  std::filesystem::path client_authority = {};
};

/// Descriptors that the rest of the process may need: the log, database connections, the endpoints.
/// A Transport raises the soft limit as far as it may, and keeps this many below it.
inline constexpr std::size_t kOtherDescriptors = 64;

struct Options {
  std::vector<Endpoint> endpoints;
  Limits limits = {};
  /// Told of peers whom an endpoint with a client authority sent away for their certificate, or for
  /// having none. It runs where handlers do: it may block, and counts as a request at hand; whoever
  /// has used up his share of those (Limits::peer_requests) is only in the log. Mustn't throw. Of
  /// the peer, it gets no certificate: nobody vouches for that.
  std::function<void(const Peer& peer)> certificate_refused = {};
};

/// What the transport has done, and what it holds.
struct Statistics {
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_shed = 0;   ///< closed to make room, or for want of a descriptor
  std::uint64_t handshakes_failed = 0;  ///< refused, broken off or too slow
  std::uint64_t requests_refused = 0;   ///< answered by the transport itself
  std::uint64_t bytes_received = 0;     ///< inside TLS, framing included
  std::uint64_t bytes_sent = 0;
  std::size_t connections = 0;  ///< now open
  std::size_t requests = 0;     ///< now at hand
  std::size_t body_memory = 0;  ///< now set aside, in bytes
};

/// The HTTPS server of the process; there is one at a time. It binds when made, and an endpoint
/// serves once an http_listener for `https://host:port` is opened. From the first one on, every
/// http_listener of the process stands on a Transport or fails to open: cpprestsdk's own never
/// comes back. Thread-safe.
///
/// Over Limits::connections, the connection that has been longest without a request makes room:
/// silently if it is idle, with 503 if a part of a request is there. So whoever opens many to hold
/// them loses his own.
class Transport {
 public:
  /// Throws Error kConfiguration: address not ours, port taken, certificate, key or authority
  /// unusable, or another Transport is there.
  explicit Transport(const Options& options);
  /// Stops accepting, lets running requests end within Limits::drain, then closes all connections
  /// and waits for the handlers, whose peers are gone now, to return.
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  std::uint16_t port(std::size_t endpoint = 0) const;

  /// Reads certificates, keys and authorities again, for connections from now on. What is resumed
  /// from before isn't: sessions are made anew. Throws Error kConfiguration if one can't be used;
  /// then nothing has changed.
  void reload_certificates();

  /// Waits until the requests at hand have ended, at most Limits::drain. Meanwhile new connections
  /// are still served, a request each, so that who asks for the gateway's health is told.
  void drain();

  Statistics statistics() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace letterbox::gateway::transport
