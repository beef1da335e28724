// What letters hold, as people and programs are told. Nothing that a sealer wrote reaches a
// terminal as it is (client/terminal.h, shown).
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "client/studies.h"

namespace letterbox::client {

nlohmann::json to_json(const ListedDelivery& delivery);
nlohmann::json to_json(const Study& study);
/// What is said of one file: null if nothing.
nlohmann::json index_json(const ListedFile& file);

/// A study, and the deliveries that have parts of it; `deliveries` has these.
void print(const Study& study, const std::map<Uuid, const ListedDelivery*>& deliveries);
/// The delivery with its files that are in no study; nothing if all are.
void print_other_files(const ListedDelivery& delivery);
/// Of a photo or an attachment, a line or more, each of which begins with `indent`: whose it is,
/// what it shows, what was taken out of it.
void print_what_it_shows(const records::Index& index, const std::string& indent, std::ostream& out);

}  // namespace letterbox::client
