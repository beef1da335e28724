#include "client/outgoing.h"

#include "base/error.h"
#include "client/checked_file.h"
#include "client/files.h"
#include "client/reading.h"
#include "client/terminal.h"

namespace letterbox::client {
namespace {

void add(SealedDelivery& delivery, SpooledFile& sealed, const std::string& path,
         const std::string& what, records::Index index) {
  index.size = plaintext_size(sealed.entry);
  if (path != "-") index.name = sendable_name(path);
  delivery.add(sealed, what);
  delivery.add_index(sealed.entry.id, index);
}

Outcome send_checked(SealedDelivery& delivery, const std::string& path, const std::string& what,
                     Handling& handling) {
  dicom::PhotoContext* const context =
      handling.as_dicom && handling.photos ? &handling.photos->context : nullptr;
  CheckedFile file(path, what, handling.inspector, context);
  check_described(file.type(), handling, what);
  SpooledFile sealed = delivery.seal(file, what, file.length());
  records::Index index = file.index();
  if (file.type() != dicom::MediaType::kDicom) index.label = handling.photos->label;
  const Outcome outcome{index.type, true, file.dropped()};
  if (file.was_wrapped()) ++context->number;
  add(delivery, sealed, path, what, std::move(index));
  return outcome;
}

Outcome send_unchecked(SealedDelivery& delivery, const std::string& path, const std::string& what) {
  InputFile file(path, what);
  SpooledFile sealed = delivery.seal(file, what, file.length());
  add(delivery, sealed, path, what, attachment_index());
  return {std::string(records::kUncheckedType), false, {}};
}

}  // namespace

Outcome send_file(SealedDelivery& delivery, const std::string& path, const std::string& what,
                  Handling& handling) {
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

void check_described(dicom::MediaType type, const Handling& handling, const std::string& what) {
  if (type == dicom::MediaType::kDicom || handling.photos) return;
  throw Error(ErrorCode::kUsage,
              what +
                  " is a photo: say whose picture it is, with --patient or --patient-id, or that "
                  "there is no patient in it, with --no-patient");
}

}  // namespace letterbox::client
