// What was sent, for people or programs.
#pragma once

#include <nlohmann/json.hpp>

#include "client/session.h"
#include "client/unfinished_send.h"
#include "records/cover.h"
#include "records/manifest.h"

namespace letterbox::client {

nlohmann::json to_json(const records::ManifestEntry& entry);
/// A delivery, with what is said of its `files`.
nlohmann::json to_json(const records::Cover& cover, nlohmann::json files);

/// Prints a delivery that this device sealed.
void report(const Session& session, const UnfinishedSend& send);

}  // namespace letterbox::client
