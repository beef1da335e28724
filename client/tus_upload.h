// One sealed file on its way to the gateway in slices, by tus 1.0.0 (docs/api/README.md,
// "Uploads"): a line that breaks costs what wasn't durable yet, and nothing else.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "base/uuid.h"
#include "client/gateway_connection.h"
#include "client/terminal.h"

namespace letterbox::client {

/// What is uploaded, and where it stands.
struct TusFile {
  Uuid delivery;
  Uuid file;
  int fd;  ///< of the age file
  std::uint64_t length;
  /// The upload's target, if it was begun earlier.
  std::optional<std::string> target;
};

/// Returns when the gateway has all of it, as a file of its delivery. `began` is told of each
/// target before anything goes there. Slices that break off are gone on with where the gateway says
/// that it stands; an upload that it doesn't know any more is begun again, from the same bytes.
/// Throws what the connection throws, once trying again doesn't help (client/retry.h); kNotFound
/// means that the delivery is gone. Stops between slices, by Error kInternal, where `stop` says so.
void upload(GatewayConnection& gateway, const TusFile& file,
            const std::function<void(const std::string& target)>& began, Progress& progress,
            const std::stop_token& stop);

}  // namespace letterbox::client
