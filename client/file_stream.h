// Age files of a delivery, many in one stream: its indexes, or its small files (docs/format.md,
// "The index").
//
//   stream  =  for each file, in the order of their ids:  file id (16 bytes) ‖ length ‖ age file
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/uuid.h"
#include "client/reading.h"
#include "crypto/stream.h"
#include "records/frame_reader.h"

namespace letterbox::client {

/// Up to this a payload comes in the stream of a delivery's small files: nonce and one row. Above
/// it a request of its own costs little beside what it brings.
inline constexpr std::uint64_t kSmallPayload = sizeof(crypto::PayloadNonce) + crypto::kRowSize;

/// One that came. Nothing of it is verified (OpenedFile does that).
struct AgeFile {
  Uuid file;
  Bytes bytes;
};

/// What kind of files come: how they are framed, and what is said of those that mustn't come.
struct FileStreamKind {
  std::size_t length_size;        ///< in bytes; the highest first
  std::uint64_t largest_payload;  ///< whatever the manifest says, no more is taken into memory
  const char* check;              ///< by whose name it is refused (client/refused.h)
};

inline constexpr FileStreamKind kSmallFiles{8, kSmallPayload, checks::kFiles};

/// Takes the stream apart, holding one file at a time. For one thread at a time.
class FileStream {
 public:
  /// `due` are the manifest's entries of those that may come, in any order. `stream` must outlive
  /// this.
  FileStream(Source& stream, const FileStreamKind& kind, ManifestEntries due);

  /// The next one; nothing at the stream's end. Some may be left out. Throws Refused for one that
  /// isn't due, comes out of the order of ids, can't be so long, or is cut off; and what `stream`
  /// throws. After a throw this is spent.
  std::optional<AgeFile> next();

 private:
  [[noreturn]] void refuse(const char* detail) const;

  records::FrameReader stream_;
  const FileStreamKind kind_;
  ManifestEntries due_;  // the last one is the next
};

}  // namespace letterbox::client
