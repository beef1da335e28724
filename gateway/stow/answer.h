// What a STOW-RS request is told: the Store Instances Response Module (PS3.18 section 10.5.3 and
// Annex I), in DICOM JSON (Annex F) or in the Native DICOM Model (PS3.19 Annex A).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gateway/stow/content_type.h"

namespace letterbox::gateway::stow {

/// Failure Reason (0008,1197), PS3.18 Table I.2-2.
enum class Reason : std::uint16_t {
  kProcessing = 0x0110,
  kDuplicate = 0x0111,  ///< another instance of this UID is there
  kOutOfResources = 0xA700,
  kCannotUnderstand = 0xC000,
  kTransferSyntax = 0xC122,
};

/// Of which instance something is said. UIDs as PS3.5 section 9.1 has them.
struct InstanceName {
  std::string sop_class;
  std::string sop_instance;
};

struct Failure {
  InstanceName instance;
  Reason reason;
};

/// Warning Reason (0008,1196), PS3.18 Table I.2-1: stored, but not all as it was sent.
enum class Warning : std::uint16_t {
  kCoerced = 0xB000,    ///< values of the metadata that the picture contradicts were replaced
  kDiscarded = 0xB006,  ///< what a photo said beside its picture isn't kept
};

struct Warned {
  InstanceName instance;
  Warning warning;
};

struct Answer {
  std::vector<InstanceName> stored;  ///< now, or before with the same bytes
  std::vector<Failure> failed;
  std::vector<Reason> others;       ///< of parts that don't say which instance they are
  std::vector<Warned> warned = {};  ///< stored too

  /// 200 if everything was stored as it came, 409 if nothing was stored, 202 else.
  unsigned short status() const noexcept;
};

/// The reason to give for a request of which nothing was stored, if a DICOM client is to be told
/// that in the module: of 400, 413, 415, 422, 431 and 503.
std::optional<Reason> reason_of_status(unsigned short status) noexcept;

/// The module as `form` has it. Retrieve URL is there and empty: nothing is given out as it came.
/// Throws Error kInternal if a UID isn't one.
std::string to_text(const Answer& answer, Form form);

}  // namespace letterbox::gateway::stow
