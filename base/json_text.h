// What is wrong with a text that should be JSON, found before anything is made of it.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace letterbox {

/// What keeps `text` from being one JSON value (RFC 8259) that every reader takes for the same: it
/// "isn't JSON" (nor is it with a NUL or a byte order mark), "is nested too deeply" (a value lies
/// in more than `most_depth` objects and arrays), or "has a member twice" (in whichever object).
/// Nothing if it is fine.
///
/// To be asked about all JSON from outside before it is parsed into a tree: whoever walks a tree
/// recurses, and ends with the stack a few ten thousand levels down. Takes time in proportion to
/// the text, whatever is in it, and memory for the names of the objects that are open. Doesn't
/// throw. Thread-safe.
std::optional<std::string_view> fault_in_json(std::string_view text, std::size_t most_depth);

}  // namespace letterbox
