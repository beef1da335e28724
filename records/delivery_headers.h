// The headers of a delivery's files on the wire, as they are read, and as a recipients change puts
// new ones in their place. docs/format.md, "Sharing on".
//
//   recipients change    =  cover frame ‖ headers of each file, in the order of their ids
//   cover frame          =  length (4 bytes) ‖ the cover's envelope, JSON
//   headers of a file    =  file id (16) ‖ length (4) ‖ header ‖ length (4) ‖ header of its index
//   headers of delivery  =  the same of each file, with the nonce of the payload behind each header
//
// The second length is 0 for a file without an index. Every other is that of the only header there
// can be under the cover, 137 + 98 n bytes for n recipients, and 16 for the nonce if it is there.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/uuid.h"
#include "crypto/stream.h"
#include "records/cover.h"
#include "records/dsse.h"
#include "records/frame_reader.h"

namespace letterbox::records {

/// A recipients change.
inline constexpr std::string_view kRecipientsChangeMediaType =
    "application/vnd.letterbox.recipients";
/// The headers alone.
inline constexpr std::string_view kHeadersMediaType = "application/vnd.letterbox.headers";

/// Largest envelope that a recipients change begins with. One for 1000 recipients fits.
inline constexpr std::size_t kMaxCoverFrame = std::size_t{1024} * 1024;

/// Of one file.
struct FileHeaders {
  Uuid file;
  Bytes header;
  Bytes index_header;  ///< of its index; empty: it has none
};

/// Where an age file begins. That a header follows from its file key and the cover doesn't make it
/// the one of this payload: whoever shares a delivery on could have drawn another key. The nonce
/// tells, since it follows from file key and file id.
struct Beginning {
  Bytes header;
  crypto::PayloadNonce nonce;
};

/// Of one file, and of its index if it has one.
struct FileBeginnings {
  Uuid file;
  Beginning payload;
  std::optional<Beginning> index;
};

/// Reads either, holding the headers of one file at a time. For one thread at a time.
class HeadersReader {
 public:
  /// `source` must outlive this.
  explicit HeadersReader(Source& source) : frames_(source) {}

  /// What a recipients change begins with, to be called first and for nothing else. Nobody has
  /// verified it: follow() does. Throws Error kMalformed, kTooLarge, and what the source throws.
  Envelope cover();

  /// The headers of the next file; nothing at the end. They are what somebody without the file key
  /// can tell them to be: of the right length and form, under the cover of this hash, for so many
  /// recipients (crypto::screen_header). Whether they are the right ones, only who unwraps the file
  /// key finds out. Files come in the order of their ids, none twice; whether they are the
  /// delivery's, the caller has to know. Throws Error kMalformed, kCoverMismatch, and what the
  /// source throws.
  std::optional<FileHeaders> next(const crypto::CoverHash& cover, std::size_t recipients);
  /// The same of the headers of a delivery, which have nonces.
  std::optional<FileBeginnings> next_beginnings(const crypto::CoverHash& cover,
                                                std::size_t recipients);

 private:
  std::optional<Uuid> next_file();
  Bytes take_header(const crypto::CoverHash& cover, std::size_t recipients, bool may_lack,
                    crypto::PayloadNonce* nonce);

  FrameReader frames_;
  std::optional<Uuid> last_;
};

/// Their frames. Throws Error kTooLarge for an envelope above kMaxCoverFrame.
Bytes cover_frame(const Envelope& cover);
Bytes headers_frame(const FileHeaders& headers);
Bytes beginnings_frame(const FileBeginnings& beginnings);

}  // namespace letterbox::records
