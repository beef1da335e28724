#include "client/outgoing.h"

#include "base/error.h"
#include "client/checked_file.h"
#include "client/files.h"
#include "client/reading.h"
#include "client/sealed_delivery.h"

namespace letterbox::client {
namespace {

OutgoingFile with_index(const UnfinishedSend& send, const SealedBytes& file,
                        const std::string& path, records::Index index,
                        std::vector<std::string> dropped = {}) {
  index.size = plaintext_size(file.entry);
  if (path != "-") index.name = sendable_name(path);
  const SealedBytes sealed_index = seal_index(send, file.entry.id, index);
  return {file, sealed_index, index.type, index.checked, std::move(dropped)};
}

OutgoingFile seal_checked(const UnfinishedSend& send, const std::string& path,
                          const std::string& what, Handling& handling) {
  dicom::PhotoContext* const context =
      handling.as_dicom && handling.photos ? &handling.photos->context : nullptr;
  CheckedFile file(path, what, handling.inspector, context);
  check_described(file.type(), handling, what);
  const SealedBytes sealed = seal_file(send, file, what, file.length(), handling.show_progress);
  records::Index index = file.index();
  if (file.type() != dicom::MediaType::kDicom) index.label = handling.photos->label;
  if (file.was_wrapped()) ++context->number;
  return with_index(send, sealed, path, std::move(index), file.dropped());
}

OutgoingFile seal_unchecked(const UnfinishedSend& send, const std::string& path,
                            const std::string& what, const Handling& handling) {
  InputFile file(path, what);
  const SealedBytes sealed = seal_file(send, file, what, file.length(), handling.show_progress);
  return with_index(send, sealed, path, attachment_index());
}

}  // namespace

OutgoingFile seal_outgoing(const UnfinishedSend& send, const std::string& path,
                           const std::string& what, Handling& handling) {
  try {
    return seal_checked(send, path, what, handling);
  } catch (const Unfit& unfit) {
    if (!handling.attach)
      throw Unfit(unfit.code(),
                  std::string(unfit.what()) + "; --attach sends it as it is, unchecked");
    if (path == "-")
      throw Unfit(unfit.code(), std::string(unfit.what()) +
                                    "; to be attached it has to be a file that can be read again");
  }
  return seal_unchecked(send, path, what, handling);
}

void check_described(dicom::MediaType type, const Handling& handling, const std::string& what) {
  if (type == dicom::MediaType::kDicom || handling.photos) return;
  throw Error(ErrorCode::kUsage,
              what +
                  " is a photo: say whose picture it is, with --patient or --patient-id, or that "
                  "there is no patient in it, with --no-patient");
}

}  // namespace letterbox::client
