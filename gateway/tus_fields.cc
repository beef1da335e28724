#include "gateway/tus_fields.h"

#include <algorithm>

#include "base/error.h"
#include "crypto/base64.h"
#include "gateway/amount.h"

namespace letterbox::gateway::tus {

namespace {

[[noreturn]] void refuse(const char* what) {
  throw Error(ErrorCode::kMalformed, what);
}

Bytes parse_base64(std::string_view text) {
  std::optional<Bytes> bytes = crypto::base64_decode(text, crypto::Padding::kRequired);
  if (!bytes) refuse("a value of an upload's field isn't base64");
  return *std::move(bytes);
}

Uuid parse_id(std::string_view encoded) {
  const Bytes text = parse_base64(encoded);
  const std::optional<Uuid> id = Uuid::parse(as_text(text));
  if (!id) refuse("an id in Upload-Metadata isn't a UUIDv7");
  return *id;
}

std::string encoded(const Uuid& id) {
  return crypto::base64_encode(as_bytes(id.text()), crypto::Padding::kRequired);
}

}  // namespace

std::uint64_t parse_count(const std::optional<std::string>& field) {
  const auto count = field ? parse_number(*field) : std::nullopt;
  if (!count) refuse("a number of bytes is missing, or isn't one");
  return *count;
}

Metadata parse_metadata(const std::optional<std::string>& field) {
  if (!field) refuse("Upload-Metadata is missing");
  std::optional<Uuid> delivery;
  std::optional<Uuid> file;
  std::string_view rest = *field;
  while (true) {
    const auto comma = std::min(rest.find(','), rest.size());
    std::string_view pair = rest.substr(0, comma);
    pair.remove_prefix(std::min(pair.find_first_not_of(' '), pair.size()));
    const auto space = std::min(pair.find(' '), pair.size());
    const std::string_view key = pair.substr(0, space);
    std::optional<Uuid>* const known = key == "delivery" ? &delivery
                                       : key == "file"   ? &file
                                                         : nullptr;
    if (known == nullptr || *known || space == pair.size()) {
      refuse("Upload-Metadata has delivery and file, once, and nothing else");
    }
    *known = parse_id(pair.substr(space + 1));
    if (comma == rest.size()) break;
    rest.remove_prefix(comma + 1);
  }
  if (!delivery || !file) refuse("Upload-Metadata lacks delivery or file");
  return {*delivery, *file};
}

std::string metadata_text(const Metadata& metadata) {
  return "delivery " + encoded(metadata.delivery) + ",file " + encoded(metadata.file);
}

Digest parse_checksum(std::string_view field) {
  constexpr std::string_view kPrefix = "sha256 ";
  if (!field.starts_with(kPrefix)) refuse("Upload-Checksum is of another algorithm");
  const Bytes bytes = parse_base64(field.substr(kPrefix.size()));
  Digest digest;
  if (bytes.size() != digest.size()) refuse("Upload-Checksum isn't a SHA-256");
  std::ranges::copy(bytes, digest.begin());
  return digest;
}

}  // namespace letterbox::gateway::tus
