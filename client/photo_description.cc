#include "client/photo_description.h"

#include "base/error.h"
#include "client/files.h"
#include "dicom/wrap/metadata.h"

namespace letterbox::client {
namespace {

dicom::PhotoContext read_entry(const std::filesystem::path& file) {
  const Bytes json = read_small_file(file, dicom::kMaxMetadata);
  try {
    return dicom::parse_worklist_entry(json);
  } catch (const Error& error) {
    throw Error(error.code(), "the worklist's entry can't be used: " + std::string(error.what()));
  }
}

void take_patient(LabelOptions& options, const dicom::PhotoContext& entry) {
  if (options.patient || options.patient_id || options.born || options.no_patient)
    throw Error(ErrorCode::kUsage,
                "--worklist says whose picture it is; it excludes --patient, --patient-id, --born "
                "and --no-patient");
  if (!entry.patient_name && !entry.patient_id)
    throw Error(ErrorCode::kUsage, "the worklist's entry doesn't say whose picture it is");
  options.patient = entry.patient_name;
  options.patient_id = entry.patient_id;
  options.born = entry.born;
}

std::optional<dicom::Laterality> laterality_of(const std::optional<records::Side>& side) {
  if (!side) return std::nullopt;
  switch (*side) {
    case records::Side::kLeft:
      return dicom::Laterality::kLeft;
    case records::Side::kRight:
      return dicom::Laterality::kRight;
    case records::Side::kBoth:
      return dicom::Laterality::kBoth;
  }
  return std::nullopt;
}

}  // namespace

std::optional<PhotoDescription> describe_photos(LabelOptions options) {
  dicom::PhotoContext context = dicom::new_photo_context();
  if (options.worklist) {
    context = read_entry(*options.worklist);
    take_patient(options, context);
  }
  const auto label = label_of(options);
  if (!label) return std::nullopt;
  const records::Patient patient = label->patient.value_or(records::Patient{});
  context.patient_name = patient.name;
  context.patient_id = patient.id;
  context.born = patient.born;
  context.site = label->site;
  context.side = laterality_of(label->side);
  context.note = label->note;
  context.consent = label->consent;
  return PhotoDescription{*label, context};
}

}  // namespace letterbox::client
