// DICOM's character sets (PS3.5 section 6.1, PS3.3 section C.12.1.1.2).
#pragma once

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcitem.h>
#include <dcmtk/dcmdata/dcspchrs.h>
#include <dcmtk/ofstd/ofchrenc.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace letterbox::dicom {

/// Has every character set of the standard loaded, which glibc keeps in files, and holds on to
/// them for the rest of the process's life.
void load_character_sets();

/// The character set of one data set.
class Characters {
 public:
  /// By its Specific Character Set; without one, the default repertoire.
  explicit Characters(DcmItem& data_set);

  /// `text` in UTF-8. `delimiters` end the reach of an escape sequence. Nothing if the character
  /// set doesn't have these bytes, or nobody knows the set.
  std::optional<std::string> to_utf8(std::string_view text, const char* delimiters);

 private:
  DcmSpecificCharacterSet converter_;
  bool known_;  ///< to DCMTK
  /// What it doesn't know.
  enum class Other : std::uint8_t { kNone, kJapanese, kLatin9 };
  Other other_ = Other::kNone;
  OFCharacterEncoding encoding_;
};

}  // namespace letterbox::dicom
