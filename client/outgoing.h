// One file of a sealed delivery, from its path to the gateway: looked through, sealed, sent, and
// its index behind it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/photo_description.h"
#include "client/sealed_delivery.h"
#include "dicom/inspector.h"

namespace letterbox::client {

/// How the files of a send are treated, each as what it is.
struct Handling {
  dicom::Inspector& inspector;
  std::optional<PhotoDescription> photos;
  bool as_dicom = false;  ///< photos become DICOM
  bool attach = false;    ///< what isn't valid is sent, too, unchecked
};

/// What became of a file.
struct Outcome {
  std::string type;
  bool checked;
  std::vector<std::string> dropped;  ///< of a photo
};

/// `path` is "-" for standard input; `what` is what messages call the file. A photo that becomes
/// DICOM gets the next number of its series. Throws Unfit where it isn't valid and not to be
/// attached; kUsage for a photo that nothing is said of; what SealedDelivery and CheckedFile throw.
Outcome send_file(SealedDelivery& delivery, const std::string& path, const std::string& what,
                  Handling& handling);

/// Throws Error kUsage, which says what to do, for a photo that nothing is said of.
void check_described(dicom::MediaType type, const Handling& handling, const std::string& what);

}  // namespace letterbox::client
