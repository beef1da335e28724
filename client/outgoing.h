// One file of a sealed delivery, from its path to the gateway: looked through, sealed, sent, and
// its index behind it.
#pragma once

#include <optional>
#include <string>

#include "client/sealed_delivery.h"
#include "dicom/inspector.h"
#include "records/index.h"

namespace letterbox::client {

/// How files are sent that aren't told apart by more than what they are.
struct Handling {
  dicom::Inspector& inspector;
  std::optional<records::PhotoLabel> label;  ///< of each photo
  bool attach = false;                       ///< send what isn't valid, too, unchecked
};

/// `path` is "-" for standard input; `what` is what messages call the file. Returns the index that
/// went with it, without attributes. Throws Unfit where it isn't valid and not to be attached;
/// kUsage for a photo without a label; what SealedDelivery throws.
records::Index send_file(SealedDelivery& delivery, const std::string& path, const std::string& what,
                         const Handling& handling);

/// Throws Error kUsage, which says what to do, for a photo that has no label.
void check_labelled(dicom::MediaType type, const std::optional<records::PhotoLabel>& label,
                    const std::string& what);

}  // namespace letterbox::client
