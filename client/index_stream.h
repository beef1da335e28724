// The sealed indexes of a delivery, as they come in one stream (docs/format.md, "The index").
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/uuid.h"
#include "client/caller.h"
#include "client/reading.h"
#include "crypto/recipient.h"
#include "records/index.h"

namespace letterbox::client {

/// What a file is, as its sealer says; nothing if it doesn't come, because the file was deleted, or
/// somebody withholds it.
struct FileIndex {
  Uuid file;
  std::optional<records::Index> index;
};

/// Yields each index that the manifest lists, opened and verified as a file is, in the order of the
/// files' ids. For one thread at a time.
class IndexStream {
 public:
  /// All of these must outlive this.
  IndexStream(Source& stream, std::span<const crypto::X25519Identity> identities,
              const VerifiedDelivery& delivery);

  /// The next one; nothing once all were named, and nothing follows. Throws Refused, and what
  /// `stream` throws.
  std::optional<FileIndex> next();

 private:
  struct Frame {
    Uuid file;
    std::uint32_t length;
  };

  std::optional<Frame> take_frame();
  // Up to `size` bytes of the stream; fewer at its end.
  Bytes take(std::size_t size);

  Source& stream_;
  std::span<const crypto::X25519Identity> identities_;
  const VerifiedDelivery& delivery_;
  ManifestEntries due_;  // the last one is the next
  ByteView ahead_;       // was pulled, and not taken yet
  std::optional<Frame> frame_;
};

/// Has `take` see each index that the manifest lists, in order, until it returns false. Throws
/// Refused, what the gateway's connection throws, and what `take` throws.
void fetch_indexes(Caller& us, const VerifiedDelivery& delivery,
                   const std::function<bool(FileIndex)>& take);

}  // namespace letterbox::client
