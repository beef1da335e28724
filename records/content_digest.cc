#include "records/content_digest.h"

#include <algorithm>

#include "base/error.h"
#include "records/structured_field.h"

namespace letterbox::records {

namespace {

const std::string kWhat = "Content-Digest";
constexpr std::string_view kSha256 = "sha-256";  // RFC 9530 section 5, in lowercase like every key

}  // namespace

std::string content_digest(const Digest& digest) {
  return to_text(
      Dictionary{{std::string(kSha256),
                  Item{.value = Bytes(digest.begin(), digest.end()), .parameters = {}}}});
}

Digest parse_content_digest(std::string_view field) {
  const Dictionary digests = parse_dictionary(field, kWhat);
  const auto found = std::find_if(digests.begin(), digests.end(),
                                  [](const auto& member) { return member.key == kSha256; });
  if (found == digests.end()) throw Error(ErrorCode::kMalformed, kWhat + " has no sha-256");
  const auto* item = std::get_if<Item>(&found->value);
  const auto* bytes = item != nullptr ? std::get_if<Bytes>(&item->value) : nullptr;
  Digest digest;
  if (bytes == nullptr || bytes->size() != digest.size() || !item->parameters.empty()) {
    throw Error(ErrorCode::kMalformed, kWhat + "'s sha-256 isn't 32 bytes");
  }
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

ByteView DigestingSource::next() {
  if (!found_) {
    const ByteView piece = body_.next();
    if (!piece.empty()) {
      hash_.update(piece);
      return piece;
    }
    found_ = hash_.finish();
  }
  if (*found_ != announced_) {
    throw Error(ErrorCode::kIntegrity, "the body isn't the one whose digest was announced");
  }
  return {};
}

}  // namespace letterbox::records
