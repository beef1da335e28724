// One file on its way out: looked through, sealed, and its index behind it.
#pragma once

#include <optional>
#include <string>

#include "client/photo_description.h"
#include "client/unfinished_send.h"
#include "dicom/inspector.h"

namespace letterbox::client {

/// How the files of a send are treated, each as what it is.
struct Handling {
  dicom::Inspector& inspector;
  std::optional<PhotoDescription> photos;
  bool as_dicom = false;  ///< photos become DICOM
  bool attach = false;    ///< what isn't valid is sent, too, unchecked
  bool show_progress = true;
};

/// Seals a file and its index into the send's folder. `path` is "-" for standard input; `what` is
/// what messages call the file. A photo that becomes DICOM gets the next number of its series.
/// Throws Unfit where it isn't valid and not to be attached; kUsage for a photo that nothing is
/// said of; what seal_file and CheckedFile throw.
OutgoingFile seal_outgoing(const UnfinishedSend& send, const std::string& path,
                           const std::string& what, Handling& handling);

/// Throws Error kUsage, which says what to do, for a photo that nothing is said of.
void check_described(dicom::MediaType type, const Handling& handling, const std::string& what);

}  // namespace letterbox::client
