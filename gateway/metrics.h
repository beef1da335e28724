// What the gateway counts, and where a Prometheus server reads it (docs/operations.md lists it
// all).
//
// No id, handle, mailbox, address or query is ever a label: labels are route templates, methods,
// classes and states, of which there are few.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "gateway/config.h"
#include "gateway/transport/transport.h"
#include "records/time.h"
#include "storage/store.h"

namespace letterbox::gateway {

/// Counted as it happens. Thread-safe.
class Metrics {
 public:
  using Duration = std::chrono::steady_clock::duration;

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// A request that a handler had. `route` is a template, or "-" if none matched; `status` 0 if no
  /// answer was begun.
  void request(const std::string& method, const std::string& route, int status, Duration took);
  /// A deposit that succeeded: the time that judging and sealing took, and that storing took.
  void sealed(Duration took);
  void stored(Duration took);
  /// What a sweep took away.
  void swept(const storage::Lapsed& lapsed);
  /// Somebody was told of notices, or couldn't be. `by` is "webhook" or "mail".
  void told(const char* by, bool successfully);
  /// What waits to be told. `now` is what its age is counted to.
  void waiting(const char* by, const storage::Backlog& backlog, records::Time now);
  /// Event streams that are open.
  void event_streams(std::size_t open);

 private:
  friend class MetricsListener;
  struct State;
  std::unique_ptr<State> state_;
};

/// What is read when somebody asks.
struct Levels {
  transport::Statistics transport;
  storage::ConnectionUse database;
  std::uint64_t disk_free;  ///< bytes below the data directory
  std::uint64_t disk_reserve;
};

/// Serves GET /metrics over plain HTTP, on two threads of its own, for as long as it lives.
class MetricsListener {
 public:
  /// `metrics` and what `levels` draws on must outlive this; `levels` is called from other threads.
  /// Throws Error kConfiguration if the address can't be had.
  MetricsListener(const ListenAddress& address, const Metrics& metrics,
                  const transport::Limits& limits, std::function<Levels()> levels);
  ~MetricsListener();
  MetricsListener(const MetricsListener&) = delete;
  MetricsListener& operator=(const MetricsListener&) = delete;

  std::uint16_t port() const noexcept { return port_; }

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::uint16_t port_;
};

}  // namespace letterbox::gateway
