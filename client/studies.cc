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

}  // namespace

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
