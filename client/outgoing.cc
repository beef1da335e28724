#include "client/outgoing.h"

#include "base/error.h"
#include "client/checked_file.h"
#include "client/files.h"
#include "client/terminal.h"

namespace letterbox::client {
namespace {

records::Index add(SealedDelivery& delivery, SpooledFile& sealed, const std::string& path,
                   const std::string& what, records::Index index) {
  index.size = plaintext_size(sealed.entry);
  if (path != "-") index.name = sendable_name(path);
  delivery.add(sealed, what);
  delivery.add_index(sealed.entry.id, index);
  // Thousands of these may be kept until the delivery is closed.
  index.attributes.reset();
  index.left_out.clear();
  return index;
}

records::Index send_checked(SealedDelivery& delivery, const std::string& path,
                            const std::string& what, const Handling& handling) {
  CheckedFile file(path, what, handling.inspector);
  check_labelled(file.type(), handling.label, what);
  SpooledFile sealed = delivery.seal(file, what, file.length());
  records::Index index = file.index();
  if (file.type() != dicom::MediaType::kDicom) index.label = handling.label;
  return add(delivery, sealed, path, what, std::move(index));
}

records::Index send_unchecked(SealedDelivery& delivery, const std::string& path,
                              const std::string& what) {
  InputFile file(path, what);
  SpooledFile sealed = delivery.seal(file, what, file.length());
  return add(delivery, sealed, path, what, attachment_index());
}

}  // namespace

records::Index send_file(SealedDelivery& delivery, const std::string& path, const std::string& what,
                         const Handling& handling) {
  try {
    return send_checked(delivery, path, what, handling);
  } catch (const Unfit& unfit) {
    if (!handling.attach)
      throw Unfit(unfit.code(),
                  std::string(unfit.what()) + "; --attach sends it as it is, unchecked");
    if (path == "-")
      throw Unfit(unfit.code(), std::string(unfit.what()) +
                                    "; to be attached it has to be a file that can be read again");
  }
  return send_unchecked(delivery, path, what);
}

void check_labelled(dicom::MediaType type, const std::optional<records::PhotoLabel>& label,
                    const std::string& what) {
  if (type == dicom::MediaType::kDicom || label) return;
  throw Error(ErrorCode::kUsage,
              what +
                  " is a photo: say whose picture it is, with --patient or --patient-id, or that "
                  "there is no patient in it, with --no-patient");
}

}  // namespace letterbox::client
