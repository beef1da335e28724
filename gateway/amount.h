// Numbers and sizes as an operator writes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace letterbox::gateway {

/// Digits and nothing else.
std::optional<std::uint64_t> parse_number(std::string_view text);
/// Bytes: "4096", "16 KiB", "16KiB"; units up to TiB.
std::optional<std::uint64_t> parse_size(std::string_view text);
/// As parse_size takes it, in the largest unit that leaves no fraction.
std::string size_text(std::uint64_t bytes);

}  // namespace letterbox::gateway
