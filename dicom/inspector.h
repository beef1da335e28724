// Looks at an upload as it passes, to its last byte, and says what it is.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "dicom/media_type.h"

namespace letterbox::dicom {

/// What names a DICOM instance. Each is a UID by PS3.5 section 9.1, without padding.
struct InstanceUids {
  std::string transfer_syntax;
  std::string sop_class;
  std::string sop_instance;
  std::string study;
  std::string series;
};

/// What a file proved to be.
struct Finding {
  MediaType type;
  /// Of a DICOM file: its attributes as a DICOM JSON object (PS3.18 Annex F), in UTF-8, without
  /// bulk data and without what is in `left_out`; at most kMaxAttributes bytes. "{}" for a photo.
  std::string attributes = "{}";
  /// Top-level elements that are in the file and not, or not whole, in `attributes`: "7FE00010",
  /// in order. At most 512; if there are more, the last is "FFFFFFFF", which is no element.
  std::vector<std::string> left_out = {};
  std::optional<InstanceUids> instance = {};  ///< of a DICOM file: always; of a photo: never
  /// Of a photo: when it was taken, as its EXIF says ("2026-11-23T17:30:00+01:00", RFC 3339;
  /// without an offset if the camera noted none), and what was dropped ("EXIF", "XMP", "IPTC",
  /// "comment", "thumbnail", "MPF", "gain map", "trailing bytes" …, each once).
  std::optional<std::string> captured = {};
  std::vector<std::string> dropped = {};
};

inline constexpr std::size_t kMaxAttributes = std::size_t{48} * 1024;

/// A body on its way through an inspector. Its next() yields those bytes that are to be kept: all
/// of a DICOM file, a photo without its metadata. It throws Error kEmptyBody, kNotWhatItClaims
/// (malformed, or not what was claimed), kUnsupportedTransferSyntax, kUnavailable (no inspector
/// free), and what the body throws; what was yielded before is then worth nothing. At the end the
/// last byte was looked at, and somebody may still be at the whole: finding() has the last word.
class Intake : public Source {
 public:
  /// To be asked once next() has said that this is the end, and before anything is made of what it
  /// yielded. Throws Error kNotWhatItClaims and kUnavailable as next() does, and isn't to be asked
  /// again then.
  virtual const Finding& finding() const = 0;
  /// What is known of the instance so far, also after a throw: whose fault it was. Members that
  /// weren't met are empty.
  virtual InstanceUids known() const = 0;
};

/// Thread-safe.
class Inspector {
 public:
  virtual ~Inspector() = default;
  /// `body` must outlive the Intake, and the Inspector too.
  virtual std::unique_ptr<Intake> admit(MediaType claimed, Source& body) = 0;
  /// False for good once it has lost what it needs to look at DICOM; then only a new one helps.
  virtual bool running() { return true; }
};

struct InspectorOptions {
  /// Processes that read DICOM, 1 to 64: so many instances are read at once, others wait.
  std::size_t children = 1;
};

/// The inspector. A DICOM file is walked to its last byte here (dicom/part10), and a digest of it
/// is read by DCMTK in a process that can't open, send or start anything and doesn't outlive this
/// one (dicom/sandbox); a JPEG or PNG is walked and cleaned (dicom/photo). Whatever DCMTK does
/// with a file costs that file alone.
///
/// Forks, and what it forks keeps a copy of this process's memory: to be called after the process
/// became the account that it stays, and before it has read keys or started threads. SIGCHLD is
/// sent when it stops running(). Throws Error kConfiguration where a process can't be locked down,
/// kUnavailable where none can be made.
std::unique_ptr<Inspector> make_inspector(const InspectorOptions& options = {});

}  // namespace letterbox::dicom
