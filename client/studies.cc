#include "client/studies.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace letterbox::client {
namespace {

using Origin = std::pair<records::Handle, records::SealedBy>;
using StudyKey = std::tuple<Origin, std::string, std::string, std::string>;

Origin origin_of(const ListedDelivery& delivery) {
  return {delivery.sender, delivery.sealed_by};
}

// A study while it is put together.
struct Gathered {
  Study study;
  std::map<std::string, std::size_t> series;  // by UID, the place in study.series
  std::set<std::string> instances;            // counted already
};

void count_once(Gathered& into, const Instance& instance) {
  if (!into.instances.insert(instance.uid).second) return;
  ++into.study.instances;
  const auto [place, is_new] = into.series.emplace(instance.series_uid, into.study.series.size());
  if (is_new)
    into.study.series.push_back(
        {instance.series_uid, instance.modality, instance.series_description});
  ++into.study.series[place->second].instances;
}

void gather(Gathered& into, const ListedDelivery& delivery, const ListedFile& file) {
  if (into.study.parts.empty() || into.study.parts.back().delivery != delivery.delivery)
    into.study.parts.push_back({delivery.delivery});
  StudyPart& part = into.study.parts.back();
  ++part.instances;
  part.size += file.size;
  part.superseding += file.index->supersedes ? 1 : 0;
  part.superseded += file.is_superseded ? 1 : 0;
  if (!file.is_superseded) count_once(into, *file.instance);
}

bool has(const std::string& text, std::string_view part) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return !std::ranges::search(text, part, {}, lower, lower).empty() || part.empty();
}

bool has(const std::optional<std::string>& text, std::string_view part) {
  return text && has(*text, part);
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

void mark_superseded(std::vector<ListedDelivery>& deliveries) {
  std::map<Origin, std::set<Uuid>> superseded;
  for (const ListedDelivery& delivery : deliveries)
    for (const ListedFile& file : delivery.files)
      if (file.index && file.index->supersedes)
        superseded[origin_of(delivery)].insert(*file.index->supersedes);
  for (ListedDelivery& delivery : deliveries)
    for (ListedFile& file : delivery.files)
      file.is_superseded = superseded[origin_of(delivery)].contains(file.file);
}

std::vector<Study> studies_of(const std::vector<ListedDelivery>& deliveries) {
  std::vector<Gathered> gathered;
  std::map<StudyKey, std::size_t> places;
  for (const ListedDelivery& delivery : deliveries) {
    for (const ListedFile& file : delivery.files) {
      if (!file.instance) continue;
      const Instance& of = *file.instance;
      const auto [place, is_new] = places.emplace(
          StudyKey{origin_of(delivery), of.study_uid, of.patient_id, of.patient_name},
          gathered.size());
      if (is_new) gathered.push_back({{of, delivery.sender, delivery.sealed_by}, {}, {}});
      gather(gathered[place->second], delivery, file);
    }
  }
  std::vector<Study> studies;
  for (Gathered& one : gathered) studies.push_back(std::move(one.study));
  return studies;
}

}  // namespace letterbox::client
