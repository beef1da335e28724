// A photo as DICOM: `letterbox send --as-dicom`. This decodes pictures, so only a client links it
// (CMake: letterbox_dicom_wrap).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "dicom/inspector.h"
#include "dicom/media_type.h"

namespace letterbox::dicom {

enum class Laterality : std::uint8_t { kLeft, kRight, kBoth };

/// Of whom and of what a photo was taken, and which study it belongs to. UTF-8.
struct PhotoContext {
  // What an index's label says (docs/format.md, "The index"), in its form. Nothing in the first
  // three: there is no patient.
  std::optional<std::string> patient_name = {};  ///< "Müller^Eva"
  std::optional<std::string> patient_id = {};
  std::optional<std::string> born = {};  ///< "1970-12-31"
  std::optional<std::string> site = {};  ///< "hand"
  std::optional<Laterality> side = {};
  std::optional<std::string> note = {};
  std::optional<std::string> consent = {};

  // What a worklist knows beyond it.
  std::optional<std::string> patient_id_issuer = {};
  std::optional<std::string> sex = {};  ///< "F", "M" or "O"
  std::optional<std::string> accession_number = {};
  std::optional<std::string> referring_physician = {};
  std::optional<std::string> study_id = {};
  std::optional<std::string> study_description = {};

  // What photos that are sent together have in common, and what tells them apart.
  std::string study_uid;
  std::string series_uid;
  int number = 1;
};

/// A study and a series of their own (new_uid), and nothing said about them.
PhotoContext new_photo_context();

/// A worklist's entry: a DICOM JSON object (PS3.18 Annex F), or an array of just one, as a modality
/// worklist (PS3.4 Annex K) or UPS query answers it. Takes Patient's Name, ID, Issuer, Birth Date
/// and Sex, Accession Number, Referring Physician's Name, Study ID, Study Instance UID, and for
/// Study Description that or Requested Procedure Description; passes over everything else. The
/// series is a new one. Throws Error kMalformed; kTooLarge over kMaxMetadata.
PhotoContext parse_worklist_entry(ByteView json);

/// "2.25." and a fresh UUIDv7 as a number (PS3.5 section B.2).
std::string new_uid();

struct WrappedPhoto {
  Bytes file;     ///< DICOM PS3.10
  Finding photo;  ///< what the cleaner found: `captured`, `dropped`
};

/// A VL Photographic Image (PS3.3 section A.32.4), upright, its metadata cleaned away as
/// clean_photo() does. A JPEG that lies upright is taken over byte for byte if it is baseline or
/// extended; others are turned and recoded without loss where whole blocks allow that, and else
/// decoded and stored uncompressed, as is one of RGB samples. A PNG is decoded; what it lets
/// through shows white. Lossy Image Compression says "01" of whatever was a JPEG. `now` dates the
/// study if the photo tells no time. Throws what clean_photo() throws; Error kNotWhatItClaims for a
/// picture that can't be decoded, kUnsupportedMediaType for CMYK, 12 bits and lossless JPEG,
/// kTooLarge over kMaxWrapped bytes, kMaxPixels pixels, or 65535 rows or columns, kMalformed for a
/// context that DICOM can't express (a value too long, a birth date or UID that is none).
WrappedPhoto wrap_photo(MediaType type, Source& photo, const PhotoContext& context,
                        std::chrono::sys_seconds now);

inline constexpr std::size_t kMaxWrapped = std::size_t{256} * 1024 * 1024;
inline constexpr std::size_t kMaxPixels = std::size_t{256} * 1024 * 1024;

}  // namespace letterbox::dicom
