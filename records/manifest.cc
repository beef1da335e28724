#include "records/manifest.h"

#include <set>
#include <string>

#include "records/json.h"

namespace letterbox::records {

namespace {

const std::string kWhat = "the manifest";

// A nonce and one empty chunk: nothing sealed is shorter.
constexpr std::uint64_t kLeastLength = 16 + 16;

OrderedJson to_json(const std::vector<ManifestEntry>& entries) {
  OrderedJson array = OrderedJson::array();
  for (const auto& entry : entries) {
    OrderedJson json;
    json["id"] = entry.id.text();
    json["length"] = entry.length;
    json["sha256"] = to_base64(entry.sha256);
    array.push_back(std::move(json));
  }
  return array;
}

std::vector<ManifestEntry> parse_entries(const Json::array_t& array) {
  std::vector<ManifestEntry> entries;
  entries.reserve(array.size());
  for (const Json& json : array) {
    const Members entry(json, kWhat + "'s entry", {"id", "length", "sha256"});
    entries.push_back({.id = entry.parsed("id", Uuid::parse),
                       .length = entry.integer("length", kLeastLength, kMaxInteger),
                       .sha256 = entry.parsed("sha256", array_from_base64<32>)});
  }
  return entries;
}

void check(const Manifest& manifest) {
  if (manifest.files.empty()) refuse(kWhat, "lists no file");
  std::set<Uuid> files;
  for (const auto& file : manifest.files) {
    if (!files.insert(file.id).second) refuse(kWhat, "lists a file twice");
  }
  // Taken out as they are met, so a second index of one file finds none either.
  for (const auto& index : manifest.indexes) {
    if (files.erase(index.id) == 0) refuse(kWhat, "lists an index twice, or of no file");
  }
}

}  // namespace

Bytes manifest_bytes(const Manifest& manifest) {
  OrderedJson json;
  json["delivery"] = manifest.delivery.text();
  json["cover"] = to_base64(manifest.cover);
  json["closed"] = to_text(manifest.closed);
  json["files"] = to_json(manifest.files);
  json["indexes"] = to_json(manifest.indexes);
  const std::string text = to_text(json);
  return {text.begin(), text.end()};
}

Manifest parse_manifest(ByteView bytes) {
  const Json json = parse_json(as_text(bytes), kWhat);
  const Members members(json, kWhat, {"delivery", "cover", "closed", "files", "indexes"});
  Manifest manifest{.delivery = members.parsed("delivery", Uuid::parse),
                    .cover = members.parsed("cover", array_from_base64<32>),
                    .closed = members.parsed("closed", parse_time),
                    .files = parse_entries(members.array("files")),
                    .indexes = parse_entries(members.array("indexes"))};
  check(manifest);
  return manifest;
}

Envelope sign_manifest(const Manifest& manifest, const crypto::SigningKey& maker) {
  const Bytes bytes = manifest_bytes(manifest);
  // Read back before signing, so that nothing is signed which a reader would refuse.
  parse_manifest(bytes);
  return sign(kManifestType, bytes, maker);
}

Manifest verify_manifest(const Envelope& envelope, const crypto::VerifyKey& maker) {
  return parse_manifest(verify(envelope, kManifestType, maker));
}

}  // namespace letterbox::records
