// Server-sent events (WHATWG HTML 9.2): what concerns somebody, told to their devices as it
// happens.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>

#include "base/uuid.h"
#include "gateway/identity/authentication.h"
#include "gateway/identity/caller.h"
#include "gateway/metrics.h"
#include "gateway/notices/event_stream_limits.h"
#include "gateway/repeated.h"
#include "gateway/transport/exchange.h"
#include "storage/store.h"

namespace letterbox::gateway {

/// Those that are open at this gateway. One thread feeds them all, from the notices' store, and a
/// stream costs no worker. Who is slow to take something gets it later, or is cut off by the
/// transport; nothing is kept for them meanwhile but the place that they have come to. Thread-safe.
class EventStreams {
 public:
  /// All three must outlive this.
  EventStreams(storage::Store& store, Authentication& authentication, Metrics& metrics,
               EventStreamLimits limits);

  /// Opens one: of everything behind the notice `after`, or from now on. If that notice isn't kept
  /// any more: of all that is. `begin` sends the answer's head; what it throws passes through.
  /// Throws Error kTooManyRequests over a limit, kUnavailable once end() was called.
  void open(const Caller& caller, const std::optional<Uuid>& after,
            const std::function<std::unique_ptr<transport::AnswerStream>()>& begin);

  /// There may be something new.
  void wake() { repeated_.wake(); }
  /// Ends all, and opens none from now on.
  void end();

 private:
  using Clock = std::chrono::steady_clock;
  struct Stream {
    Caller caller;
    storage::NoticePlace place;
    std::unique_ptr<transport::AnswerStream> answer = {};
    bool behind = true;
    Clock::time_point sent = Clock::now();
  };
  using Streams = std::list<std::shared_ptr<Stream>>;

  void round();
  void mark_those_with_news();
  bool go_on(Stream& stream);
  bool catch_up(Stream& stream);
  void close(const std::shared_ptr<Stream>& stream);

  storage::Store& store_;
  Authentication& authentication_;
  Metrics& metrics_;
  const EventStreamLimits limits_;
  std::optional<storage::NoticePlace> news_;  // how far they were looked through; round() alone
  std::mutex mutex_;                          // for all below
  Streams streams_;
  bool ended_ = false;
  Repeated repeated_;  // ends first: it draws on the rest
};

}  // namespace letterbox::gateway
