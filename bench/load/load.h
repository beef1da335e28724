// The two loads. Each prints its results as lines of a key and a value, and ends by itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "bench/load/connection.h"
#include "bench/load/exchange.h"

namespace letterbox::load {

struct SlowLoad {
  std::size_t connections = 0;
  std::chrono::seconds time{};
  std::size_t openings = 0;  ///< a second, at the most
};

/// Holds connections that each send a request's head, one byte a second, and opens another for each
/// that the server closes. Prints "held N" every second: how many have shaken hands and are open.
void run_slow(const Endpoint& endpoint, const SlowLoad& load);

struct RequestLoad {
  std::size_t connections = 0;
  std::uint64_t count = 0;            ///< requests; 0: as many as the time lets
  std::chrono::seconds time{};        ///< no request begins after it
  std::chrono::seconds patience{60};  ///< for one answer
  std::uint64_t report = 0;           ///< prints "progress N" every so many; 0: never
  std::vector<Request> cycle;         ///< what each connection asks, in turns
  const Signer* signer = nullptr;     ///< of all of them, if there is one; it outlives the load
};

/// Asks on every connection, one request after the other, and says how long the answers took. False
/// if one was missing or not what it must be.
bool run_requests(const Endpoint& endpoint, const RequestLoad& load);

}  // namespace letterbox::load
