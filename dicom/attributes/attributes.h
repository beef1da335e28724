// A DICOM file's attributes as text, and how they come back from the process that read them.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "dicom/inspector.h"

namespace letterbox::dicom {

struct Attributes {
  std::string json;  ///< as Finding::attributes
  /// Top-level elements that were read and aren't, or aren't whole, in `json`; in order. Past
  /// kMaxNamed of them the last is kMoreLeftOut.
  std::vector<std::string> left_out;
};

inline constexpr std::size_t kMaxNamed = 511;
inline constexpr const char* kMoreLeftOut = "FFFFFFFF";

/// Both lists in order, each name once, and no more of them than Attributes::left_out may have.
std::vector<std::string> joined(std::vector<std::string> left_out,
                                const std::vector<std::string>& more);

/// Most bytes of an answer.
inline constexpr std::size_t kMaxAnswer = kMaxAttributes + 9 * (kMaxNamed + 1);

/// "7FE00010 FFFFFFFF\n{…}"
Bytes to_answer(const Attributes& attributes);

/// What a process that may have been taken over says about a file that `scanned` names: it is of
/// this form, the JSON is well-formed, a data set at its top level, and names the same instance,
/// study and series. What stands deeper is the file's own word, as it would be anyhow. Throws Error
/// kNotWhatItClaims.
Attributes parse_answer(ByteView answer, const InstanceUids& scanned);

}  // namespace letterbox::dicom
