// The header fields of tus 1.0.0, https://tus.io/protocols/resumable-upload. Pure; each throws
// Error kMalformed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/uuid.h"

namespace letterbox::gateway::tus {

inline constexpr const char* kVersion = "1.0.0";
inline constexpr const char* kExtensions =
    "creation,creation-with-upload,expiration,checksum,termination";
inline constexpr const char* kChecksumAlgorithms = "sha256";
inline constexpr const char* kContentType = "application/offset+octet-stream";

/// Upload-Length and Upload-Offset: a number of bytes.
std::uint64_t parse_count(const std::optional<std::string>& field);

/// What Upload-Metadata says here: which file of which delivery it will be.
struct Metadata {
  Uuid delivery;
  Uuid file;
};
/// Both keys, and no others: a name of a file or a patient has no place in it.
Metadata parse_metadata(const std::optional<std::string>& field);
std::string metadata_text(const Metadata& metadata);

/// The SHA-256 of Upload-Checksum. Another algorithm than kChecksumAlgorithms is malformed.
Digest parse_checksum(std::string_view field);

}  // namespace letterbox::gateway::tus
