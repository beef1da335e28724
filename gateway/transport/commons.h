// What all connections draw on together.
#pragma once

#include <atomic>
#include <cstdint>

#include "gateway/transport/budget.h"
#include "gateway/transport/transport.h"

namespace letterbox::gateway::transport {

/// See Statistics.
struct Counters {
  std::atomic<std::uint64_t> connections_accepted = 0;
  std::atomic<std::uint64_t> connections_shed = 0;
  std::atomic<std::uint64_t> handshakes_failed = 0;
  std::atomic<std::uint64_t> requests_refused = 0;
  std::atomic<std::uint64_t> bytes_received = 0;
  std::atomic<std::uint64_t> bytes_sent = 0;
};

/// Thread-safe.
struct Commons {
  explicit Commons(const Limits& wanted)
      : limits(wanted),
        requests(limits.requests, limits.peer_requests),
        body_memory(limits.body_memory) {}

  const Limits limits;
  Budget requests;
  Budget body_memory;
  Counters counters;
};

}  // namespace letterbox::gateway::transport
