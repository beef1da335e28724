// wrap_photo: a photo on standard input comes out as DICOM on standard output.
//
// With NAME=VALUE (name, id, born, site, side, note, consent, study) by wrap_photo(), beginning
// with a worklist's entry if there is worklist=FILE; with metadata=FILE a JPEG by ComposedInstance
// with that file's first instance. Exit 1: refused, and the error's code on standard error.
// wrap_test.py looks at what comes out.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>

#include "base/error.h"
#include "dicom/wrap/composed_instance.h"
#include "dicom/wrap/photo.h"

using namespace letterbox;

namespace {

Bytes all_of(std::istream& stream) {
  return {std::istreambuf_iterator<char>(stream), {}};
}

Bytes file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return all_of(stream);
}

std::optional<std::string> given(const std::map<std::string, std::string>& options,
                                 const std::string& name, std::optional<std::string> otherwise) {
  const auto found = options.find(name);
  return found == options.end() ? otherwise : found->second;
}

void put(ByteView bytes) {
  std::fwrite(bytes.data(), 1, bytes.size(), stdout);
}

dicom::PhotoContext context_from(const std::map<std::string, std::string>& options) {
  dicom::PhotoContext context = options.contains("worklist")
                                    ? dicom::parse_worklist_entry(file(options.at("worklist")))
                                    : dicom::new_photo_context();
  context.patient_name = given(options, "name", context.patient_name);
  context.patient_id = given(options, "id", context.patient_id);
  context.born = given(options, "born", context.born);
  context.site = given(options, "site", {});
  context.note = given(options, "note", {});
  context.consent = given(options, "consent", {});
  context.study_uid = *given(options, "study", context.study_uid);
  const auto side = given(options, "side", {});
  if (side == "left") context.side = dicom::Laterality::kLeft;
  if (side == "right") context.side = dicom::Laterality::kRight;
  if (side == "both") context.side = dicom::Laterality::kBoth;
  return context;
}

void run(const std::map<std::string, std::string>& options) {
  const Bytes photo = all_of(std::cin);
  ViewSource source(photo, 65'536);
  if (options.contains("metadata")) {
    dicom::ComposedInstance composed(dicom::parse_metadata(file(options.at("metadata"))).at(0),
                                     source);
    for (ByteView piece = composed.next(); !piece.empty(); piece = composed.next()) put(piece);
    for (const std::string& what : composed.photo().dropped)
      std::fprintf(stderr, "dropped %s\n", what.c_str());
    if (composed.is_coerced()) std::fprintf(stderr, "coerced\n");
    return;
  }
  // 2026-11-25 03:04:05 UTC
  const std::chrono::sys_seconds now{std::chrono::seconds(1'795'575'845)};
  const auto type = dicom::sniff(photo);
  const dicom::WrappedPhoto wrapped = dicom::wrap_photo(type.value_or(dicom::MediaType::kDicom),
                                                        source, context_from(options), now);
  put(wrapped.file);
  for (const std::string& what : wrapped.photo.dropped)
    std::fprintf(stderr, "dropped %s\n", what.c_str());
}

}  // namespace

int main(int count, char** arguments) {
  std::map<std::string, std::string> options;
  for (int i = 1; i < count; ++i) {
    const std::string option = arguments[i];
    const std::size_t sign = option.find('=');
    options[option.substr(0, sign)] = option.substr(sign + 1);
  }
  try {
    run(options);
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s: %s\n", to_string(error.code()), error.what());
    return 1;
  }
}
