#include "client/listed_file.h"

#include <algorithm>
#include <map>

namespace letterbox::client {
namespace {

bool has(const std::string& text, std::string_view part) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  const auto is_same = [&](char a, char b) { return lower(a) == lower(b); };
  // Not that of std::ranges: clang 14 and libstdc++ 12 don't agree on its result.
  return part.empty() ||
         std::search(text.begin(), text.end(), part.begin(), part.end(), is_same) != text.end();
}

bool has(const std::optional<std::string>& text, std::string_view part) {
  return text && has(*text, part);
}

std::vector<ListedFile> read_files(DeliveryAccess& access, const std::optional<Uuid>& only) {
  std::vector<ListedFile> files;
  std::map<Uuid, std::size_t> places;
  for (const records::ManifestEntry& entry : access.delivery().manifest.files) {
    if (only && entry.id != *only) continue;
    places.emplace(entry.id, files.size());
    files.push_back(listed(entry.id, plaintext_size(entry), std::nullopt));
  }
  access.fetch_indexes([&](FileIndex of) {
    const auto place = places.find(of.file);
    if (place == places.end()) return true;
    ListedFile& file = files[place->second];
    file = listed(file.file, file.size, std::move(of.index));
    file.is_missing = !file.index;
    return !only;
  });
  return files;
}

}  // namespace

ListedFile listed(const Uuid& file, std::uint64_t size, std::optional<records::Index> index) {
  ListedFile listed{file, size, std::move(index), std::nullopt};
  if (!listed.index || !listed.index->attributes) return listed;
  Instance instance = instance_of(*listed.index->attributes);
  if (!instance.study_uid.empty()) listed.instance = std::move(instance);
  // Thousands of these are kept until all are grouped.
  listed.index->attributes.reset();
  listed.index->left_out.clear();
  return listed;
}

bool mentions(const ListedFile& file, std::string_view text) {
  if (file.instance) {
    const Instance& of = *file.instance;
    for (const std::string& known :
         {of.patient_name, readable_name(of.patient_name), of.patient_id, readable_date(of.born),
          readable_date(of.study_date), of.study_description, of.modality, of.series_description,
          of.study_uid})
      if (has(known, text)) return true;
  }
  if (!file.index) return false;
  if (has(file.index->name, text)) return true;
  if (!file.index->label) return false;
  const records::PhotoLabel& label = *file.index->label;
  const records::Patient patient = label.patient.value_or(records::Patient{});
  return has(patient.name, text) || has(readable_name(patient.name.value_or("")), text) ||
         has(patient.id, text) || has(patient.born, text) || has(label.site, text) ||
         has(label.note, text);
}

std::vector<ListedFile> listed_files(DeliveryAccess& access, const std::optional<Uuid>& only) {
  if (only) entry_of(access.delivery().manifest.files, *only);
  return access.opened([&] { return read_files(access, only); });
}

}  // namespace letterbox::client
