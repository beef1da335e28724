// The manifest: what exactly a closed delivery holds, signed by who sealed it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/uuid.h"
#include "crypto/header.h"
#include "records/dsse.h"
#include "records/time.h"

namespace letterbox::records {

inline constexpr std::string_view kManifestType = "application/vnd.letterbox.manifest.v1+json";

/// One sealed thing: length and SHA-256 of *nonce and chunks*. The header isn't covered, so that
/// sharing on (which rewrites it) doesn't void the manifest.
struct ManifestEntry {
  Uuid id;
  std::uint64_t length;
  Digest sha256;
};

struct Manifest {
  Uuid delivery;
  crypto::CoverHash cover;  ///< of cover version 1
  Time closed;
  std::vector<ManifestEntry> files;  ///< at least one; no id twice
  /// Sealed indexes, one for a file at most, with the file's id. Always present, so that a withheld
  /// index shows; empty until senders make them.
  std::vector<ManifestEntry> indexes;
};

Bytes manifest_bytes(const Manifest& manifest);
/// Strict, as parse_cover.
Manifest parse_manifest(ByteView bytes);

Envelope sign_manifest(const Manifest& manifest, const crypto::SigningKey& maker);
Manifest verify_manifest(const Envelope& envelope, const crypto::VerifyKey& maker);

}  // namespace letterbox::records
