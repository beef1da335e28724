// Under which name an opened file is kept: a sender's word, as far as it does no harm.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/uuid.h"

namespace letterbox::client {

/// The sender's `name` without its extension, which is to follow from the content. Nothing for a
/// name that no file here should have: with a path, hidden, like an option, that a terminal or
/// another system would trip over, or of more than 200 bytes.
std::optional<std::string> stem_of(std::string_view name);

/// The stems of files that are kept side by side, from the names that their senders gave them. Who
/// has none that will do, or shares one with another, goes by its id.
std::map<Uuid, std::string> stems_of(const std::map<Uuid, std::optional<std::string>>& names);

}  // namespace letterbox::client
