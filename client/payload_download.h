// The payload of a file, over lines that break.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>

#include "base/bytes.h"
#include "client/gateway_connection.h"
#include "client/partial_download.h"
#include "client/retry.h"
#include "records/manifest.h"

namespace letterbox::client {

/// Yields first what came in an earlier attempt, then the rest from the gateway. Where the line
/// breaks, the rest is asked for from there on; the gateway doesn't count that as another download.
/// None of it is verified.
class PayloadDownload final : public Source {
 public:
  /// `partial`, which may be null, gets what comes. `gateway` and it must outlive this; nothing
  /// else asks `gateway` before this is used up or gone.
  PayloadDownload(GatewayConnection& gateway, const records::ManifestEntry& entry,
                  PartialDownload* partial, std::stop_token stop);

  /// Throws what the connection throws, once trying again doesn't help (client/retry.h), and Error
  /// kFile; kInternal where `stop` says so.
  ByteView next() override;

 private:
  void ask();
  ByteView next_from_gateway();

  GatewayConnection& gateway_;
  const records::ManifestEntry entry_;
  PartialDownload* const partial_;
  const std::stop_token stop_;
  std::optional<SliceSource> earlier_;
  std::unique_ptr<Source> rest_;
  std::uint64_t at_ = 0;
  std::uint64_t skipped_ = 0;  // of what comes, because it was there already
  Patience patience_;
};

}  // namespace letterbox::client
