// The index: what a recipient sees of a file before fetching it. docs/format.md, "The index".
//
// It isn't signed but sealed, as a small age file of its own under the delivery's cover; the
// manifest has its digest. Whoever holds no recipient's key learns nothing of it, the gateway's
// store included.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/uuid.h"

namespace letterbox::records {

/// Most bytes of an index: one chunk when it is sealed.
inline constexpr std::size_t kMaxIndexSize = std::size_t{64} * 1024;
/// Most entries of Index::left_out and Index::dropped. Who has more names the first ones.
inline constexpr std::size_t kMaxLeftOut = 512;
inline constexpr std::size_t kMaxDropped = 32;
/// Most bytes of a label's note, and of any other text in an index.
inline constexpr std::size_t kMaxNote = 4096;
inline constexpr std::size_t kMaxText = 256;

/// What every attachment is that nobody looked into.
inline constexpr std::string_view kUncheckedType = "application/octet-stream";

/// At least a name or an id.
struct Patient {
  std::optional<std::string> name;  ///< as in DICOM (PS3.5 section 6.2, PN): "Family^Given"
  std::optional<std::string> id;
  std::optional<std::string> born;  ///< "1970-12-31"
};

enum class Side : std::uint8_t { kLeft, kRight, kBoth };
/// "left", "right", "both".
std::string_view to_text(Side side) noexcept;
std::optional<Side> parse_side(std::string_view text) noexcept;

/// What whoever took a photo says about it.
struct PhotoLabel {
  std::optional<Patient> patient;   ///< nothing: it says that there is no patient
  std::optional<std::string> site;  ///< of the body: "hand"
  std::optional<Side> side;
  std::optional<std::string> note;     ///< may have several lines
  std::optional<std::string> consent;  ///< what the patient agreed to
};

struct Index {
  /// "application/dicom", "image/jpeg", "image/png", or kUncheckedType.
  std::string type;
  std::uint64_t size;  ///< of the plaintext
  /// Whoever sealed it looked through it to the end, and it is of its type. Never with
  /// kUncheckedType, always with another.
  bool checked;
  std::optional<std::string> name = {};  ///< of the file, without a path
  /// DICOM JSON (PS3.18 Annex F), an object. Of DICOM files, and only of these.
  std::optional<std::string> attributes = {};
  std::vector<std::string> left_out = {};  ///< tags that are in the file alone: "7FE00010"
  std::optional<std::string> captured = {};
  std::vector<std::string> dropped = {};  ///< what was taken out of a photo
  std::optional<PhotoLabel> label = {};   ///< of a photo; nothing: nobody said anything
  /// An earlier file, in another delivery, that this one corrects.
  std::optional<Uuid> supersedes = {};
};

/// Its JSON. Throws Error kMalformed for what parse_index would refuse, kTooLarge.
Bytes index_bytes(const Index& index);
/// Strict, as parse_cover; `attributes` is any JSON object, no member twice, at most 64 sequences
/// deep. Its texts are who sealed it's: whoever shows them mustn't let them steer a terminal.
/// Throws Error kMalformed, kTooLarge.
Index parse_index(ByteView bytes);

}  // namespace letterbox::records
