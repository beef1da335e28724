// The sealed indexes of a delivery, as they come in one stream (docs/format.md, "The index").
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/uuid.h"
#include "client/file_stream.h"
#include "client/reading.h"
#include "crypto/recipient.h"
#include "records/delivery_headers.h"
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
  /// All of these must outlive this. `cover` is the delivery's last one; or the one before, if
  /// `former_headers` has the headers under that, which then take the place of those that come.
  IndexStream(Source& stream, std::span<const crypto::X25519Identity> identities,
              const VerifiedDelivery& delivery, const VerifiedCover& cover,
              records::HeadersReader* former_headers = nullptr);

  /// The next one; nothing once all were named, and nothing follows. Throws Refused, and what
  /// `stream` throws.
  std::optional<FileIndex> next();

 private:
  Bytes under_former_header(const Uuid& file, ByteView age_file);

  FileStream stream_;
  std::span<const crypto::X25519Identity> identities_;
  const VerifiedDelivery& delivery_;
  const VerifiedCover& cover_;
  records::HeadersReader* former_headers_;
  ManifestEntries due_;  // the last one is the next
  std::optional<AgeFile> ahead_;
};

}  // namespace letterbox::client
