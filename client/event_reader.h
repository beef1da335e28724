// Reads the gateway's events (server-sent events, WHATWG HTML 9.2) from a stream's bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/uuid.h"
#include "records/time.h"

namespace letterbox::client {

/// The gateway's word that something happened: nothing of it is verified.
struct Event {
  Uuid id;
  std::string kind;  ///< letters alone
  records::Time time;
  Uuid delivery;
  std::optional<std::string> recipient;  ///< age1…
};

/// For one thread at a time. `stream` must outlive it.
class EventReader {
 public:
  explicit EventReader(Source& stream) : stream_(stream) {}

  /// Waits for the next one; nothing when the stream ends. Comments and fields that we don't know
  /// are passed over. Throws Error kMalformed for what isn't an event of ours, kTooLarge for a line
  /// that has no end, and what the stream throws.
  std::optional<Event> next();

 private:
  std::optional<std::string> line();

  Source& stream_;
  std::string input_;
};

}  // namespace letterbox::client
