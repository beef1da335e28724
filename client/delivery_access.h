// The files of a delivery as the gateway gives them out: under the headers of its last cover, or,
// where these are broken, under those of a version before. docs/format.md, "Reading", "Falling
// back".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>

#include "base/bytes.h"
#include "base/uuid.h"
#include "client/caller.h"
#include "client/index_stream.h"
#include "client/partial_download.h"
#include "client/reading.h"
#include "client/spool.h"

namespace letterbox::client {

/// Whoever shares a delivery on can put garbage in the place of its headers, and the gateway can't
/// see that. What then still opens is what came before, for as long as the gateway keeps it. For
/// one thread at a time.
class DeliveryAccess {
 public:
  /// Both must outlive this. The last cover lists this device.
  DeliveryAccess(Caller& us, const VerifiedDelivery& delivery);

  const VerifiedDelivery& delivery() const noexcept { return delivery_; }
  /// The one that files are opened under by now.
  const VerifiedCover& cover() const noexcept { return *cover_; }
  bool has_fallen_back() const noexcept { return cover_ != &delivery_.chain.last(); }

  /// What `action` returns, or throws. Where it is refused because of a header, it is tried again:
  /// if somebody has shared the delivery on meanwhile, under the cover that was verified; else
  /// under the version before that lists this device and is still there, and our user is told. It
  /// mustn't have shown anything yet. Throws Error kConflict if what was verified isn't there any
  /// more.
  template <typename Action>
  auto opened(Action action) {
    while (true) {
      try {
        return action();
      } catch (const Refused& refusal) {
        if (!is_about_header(refusal) || !fall_back()) throw;
      }
    }
  }

  /// The age file of a file, by way of `gateway`, with what `partial` has of its payload
  /// (client/payload_download.h). Several threads may have one each at once, while none of the
  /// other functions runs. This must outlive it.
  std::unique_ptr<Source> age_file(GatewayConnection& gateway, const Uuid& file,
                                   PartialDownload* partial, const std::stop_token& stop) const;

  /// Those files of the delivery whose payload has at most `up_to` bytes, behind `after` if that is
  /// given, as a stream (client/file_stream.h), by way of `gateway`. Null where files are opened
  /// under headers that the stream doesn't have. Throws what the connection throws; kWrongMethod
  /// from a gateway that has no such stream. Use it up or drop it before the next call.
  std::unique_ptr<Source> small_files(GatewayConnection& gateway, std::uint64_t up_to,
                                      const std::optional<Uuid>& after) const;

  /// The headers of the delivery, under cover(), as a stream (records/delivery_headers.h). Use it
  /// up or drop it before the next call; this must outlive it.
  std::unique_ptr<Source> headers();

  /// Has `take` see each index that the manifest lists, in order, until it returns false. Throws
  /// Refused, what the gateway's connection throws, and what `take` throws.
  void fetch_indexes(const std::function<bool(FileIndex)>& take);

 private:
  bool fall_back();
  bool is_outdated() const;
  bool read_by(const VerifiedCover& cover);
  std::string target(const std::string& what) const;

  Caller& us_;
  const VerifiedDelivery& delivery_;
  const VerifiedCover* cover_;
  /// Under cover_, where the gateway is asked for that version and not for its last.
  std::optional<Spool> former_headers_;
};

}  // namespace letterbox::client
