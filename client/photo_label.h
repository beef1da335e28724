// What somebody says about the photos that they send.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "records/index.h"

namespace letterbox::client {

/// As typed.
struct LabelOptions {
  std::optional<std::string> patient = {};  ///< name, as DICOM writes it: "Family^Given"
  std::optional<std::string> patient_id = {};
  std::optional<std::string> born = {};  ///< "1970-12-31"
  bool no_patient = false;               ///< there is none in the picture
  std::optional<std::string> body_site = {};
  std::optional<std::string> side = {};  ///< "left", "right", "both"
  std::optional<std::string> note = {};
  std::optional<std::string> consent = {};
  /// A file that says whose picture it is, instead of the above (client/photo_description.h).
  std::optional<std::filesystem::path> worklist = {};
};

/// The label, but for what a worklist says; nothing if nothing was said. Throws Error kUsage for
/// what a label can't hold, and for one that leaves open whether there is a patient.
std::optional<records::PhotoLabel> label_of(const LabelOptions& options);

}  // namespace letterbox::client
