#include "client/letter_view.h"

#include <iostream>
#include <nlohmann/json.hpp>
#include <string_view>

#include "client/terminal.h"
#include "crypto/stream.h"

namespace letterbox::client {
namespace {

using nlohmann::json;

template <typename Value>
json or_null(const std::optional<Value>& value) {
  return value ? json(*value) : json(nullptr);
}

json or_null(const std::string& text) {
  return text.empty() ? json(nullptr) : json(text);
}

json to_json(const records::PhotoLabel& label) {
  json patient = nullptr;
  if (label.patient)
    patient = {{"name", or_null(label.patient->name)},
               {"id", or_null(label.patient->id)},
               {"born", or_null(label.patient->born)}};
  return {{"patient", std::move(patient)},
          {"site", or_null(label.site)},
          {"side", label.side ? json(records::to_text(*label.side)) : json(nullptr)},
          {"note", or_null(label.note)},
          {"consent", or_null(label.consent)}};
}

// "a, b, c" of those that aren't empty.
std::string enumerated(std::initializer_list<std::string> texts, const char* between = ", ") {
  std::string all;
  for (const std::string& text : texts)
    if (!text.empty()) all += (all.empty() ? "" : between) + text;
  return all;
}

std::string prefixed(const char* prefix, const std::string& text) {
  return text.empty() ? "" : prefix + text;
}

std::string counted(std::uint64_t count, const char* what) {
  return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s");
}

std::string patient_line(const std::string& name, const std::string& id, const std::string& born) {
  const std::string line =
      enumerated({shown(readable_name(name)), shown(id), prefixed("born ", shown(born))});
  return line.empty() ? "a patient without a name" : line;
}

std::string patient_line(const std::optional<records::PhotoLabel>& label) {
  if (!label) return "nobody said whose picture it is";
  if (!label->patient) return "no patient";
  return patient_line(label->patient->name.value_or(""), label->patient->id.value_or(""),
                      label->patient->born.value_or(""));
}

void print_head(const ListedDelivery& delivery, const std::string& indent) {
  std::cout << indent << delivery.delivery.text() << "  from " << delivery.sender.text()
            << ", sealed by " << delivery.sealer
            << prefixed(", shared on by ", joined(delivery.sharers)) << '\n'
            << indent << "  created " << records::to_text(delivery.created) << ", expires "
            << records::to_text(delivery.expires);
}

const char* kind_of(const records::Index& index) {
  if (index.type == "application/dicom") return "DICOM";
  if (index.type == "image/jpeg") return "JPEG";
  if (index.type == "image/png") return "PNG";
  return "";
}

void print_file(const ListedFile& file) {
  std::cout << "  " << file.file.text() << "  ";
  if (!file.index) {
    std::cout << (file.is_missing ? "isn't there: deleted by its sender, or withheld by the gateway"
                                  : human_size(file.size))
              << '\n';
    return;
  }
  std::cout << enumerated({shown(file.index->name.value_or("")), kind_of(*file.index),
                           human_size(file.size), file.index->supersedes ? "a correction" : "",
                           file.is_superseded ? "superseded by a correction" : ""})
            << '\n';
  print_what_it_shows(*file.index, "    ", std::cout);
}

}  // namespace

json index_json(const ListedFile& file) {
  if (!file.index) return nullptr;
  const records::Index& index = *file.index;
  const Instance instance = file.instance.value_or(Instance{});
  return {{"type", index.type},
          {"checked", index.checked},
          {"name", or_null(index.name)},
          {"study", or_null(instance.study_uid)},
          {"series", or_null(instance.series_uid)},
          {"instance", or_null(instance.uid)},
          {"captured", or_null(index.captured)},
          {"dropped", index.dropped},
          {"label", index.label ? to_json(*index.label) : json(nullptr)},
          {"supersedes", index.supersedes ? json(index.supersedes->text()) : json(nullptr)}};
}

json to_json(const ListedDelivery& delivery) {
  json files = json::array();
  for (const ListedFile& file : delivery.files)
    files.push_back({{"file", file.file.text()},
                     {"length", crypto::sealed_size(file.size)},
                     {"size", file.size},
                     {"superseded", file.is_superseded},
                     {"missing", file.is_missing},
                     {"index", index_json(file)}});
  return {{"delivery", delivery.delivery.text()},
          {"sender", delivery.sender.text()},
          {"sealed_by", records::to_text(delivery.sealed_by)},
          {"sealer_revoked", delivery.sealer_is_revoked},
          {"created", records::to_text(delivery.created)},
          {"expires", records::to_text(delivery.expires)},
          {"version", delivery.version},
          {"shared_by", delivery.sharers},
          {"files", std::move(files)}};
}

json to_json(const Study& study) {
  json series = json::array();
  for (const Series& one : study.series)
    series.push_back({{"series", or_null(one.uid)},
                      {"modality", or_null(one.modality)},
                      {"description", or_null(one.description)},
                      {"instances", one.instances}});
  json deliveries = json::array();
  for (const StudyPart& part : study.parts)
    deliveries.push_back({{"delivery", part.delivery.text()},
                          {"instances", part.instances},
                          {"size", part.size},
                          {"superseding", part.superseding},
                          {"superseded", part.superseded}});
  return {{"study", study.first.study_uid},
          {"patient",
           {{"name", or_null(study.first.patient_name)},
            {"id", or_null(study.first.patient_id)},
            {"born", or_null(readable_date(study.first.born))}}},
          {"date", or_null(readable_date(study.first.study_date))},
          {"description", or_null(study.first.study_description)},
          {"sender", study.sender.text()},
          {"sealed_by", records::to_text(study.sealed_by)},
          {"instances", study.instances},
          {"series", std::move(series)},
          {"deliveries", std::move(deliveries)}};
}

void print(const Study& study, const std::map<Uuid, const ListedDelivery*>& deliveries) {
  const Instance& of = study.first;
  std::cout << patient_line(of.patient_name, of.patient_id, readable_date(of.born)) << "\n  study "
            << enumerated({shown(readable_date(of.study_date)), shown(of.study_description)})
            << ": " << counted(study.instances, "instance") << '\n';
  for (const Series& series : study.series)
    std::cout << "    series " << enumerated({shown(series.modality), shown(series.description)})
              << ": " << counted(series.instances, "instance") << '\n';
  for (const StudyPart& part : study.parts) {
    print_head(*deliveries.at(part.delivery), "  ");
    std::cout << ": " << counted(part.instances, "instance") << ", " << human_size(part.size);
    if (part.superseding > 0) std::cout << ", " << counted(part.superseding, "correction");
    if (part.superseded > 0) std::cout << ", " << part.superseded << " superseded";
    std::cout << '\n';
  }
}

void print_other_files(const ListedDelivery& delivery) {
  bool is_begun = false;
  for (const ListedFile& file : delivery.files) {
    if (file.instance) continue;
    if (!std::exchange(is_begun, true)) {
      print_head(delivery, "");
      std::cout << '\n';
    }
    print_file(file);
  }
}

void print_what_it_shows(const records::Index& index, const std::string& indent,
                         std::ostream& out) {
  if (!index.checked) out << indent << "attachment, not checked\n";
  if (!index.type.starts_with("image/")) return;
  const records::PhotoLabel label = index.label.value_or(records::PhotoLabel{});
  out << indent
      << enumerated({patient_line(index.label), shown(label.site.value_or("")),
                     label.side ? std::string(records::to_text(*label.side)) : "",
                     prefixed("taken ", shown(index.captured.value_or(""))),
                     prefixed("consent: ", shown(label.consent.value_or("")))},
                    "; ")
      << '\n';
  std::string_view note = label.note ? std::string_view(*label.note) : "";
  while (!note.empty()) {
    const std::size_t end = std::min(note.find('\n'), note.size());
    out << indent << shown(note.substr(0, end)) << '\n';
    note.remove_prefix(std::min(end + 1, note.size()));
  }
  if (!index.dropped.empty()) out << indent << "without " << joined(index.dropped) << '\n';
}

}  // namespace letterbox::client
