// Content-Digest (RFC 9530): the announced SHA-256 of a message's body, and the check that the body
// is the one announced.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "crypto/hash.h"

namespace letterbox::records {

/// The field's value: `sha-256=:…:`.
std::string content_digest(const Digest& digest);

/// The SHA-256 that a Content-Digest field announces. Digests by other algorithms that stand beside
/// it are ignored, as RFC 9530 section 2 allows; without a sha-256 there is nothing to check by.
/// Throws Error kMalformed.
Digest parse_content_digest(std::string_view field);

/// Passes a body on as it comes, and doesn't let it end unless it is the announced one. What is
/// pulled before the end is unchecked: only its end (an empty piece, not a throw) proves anything,
/// so commit nothing before that.
class DigestingSource final : public Source {
 public:
  /// `body` must outlive this.
  DigestingSource(Source& body, const Digest& announced) : body_(body), announced_(announced) {}

  /// Throws Error kIntegrity in place of the end, and at each further call, if the digest differs;
  /// and what `body` throws.
  ByteView next() override;

 private:
  Source& body_;
  Digest announced_;
  crypto::Sha256 hash_;
  std::optional<Digest> found_;  ///< once the body has ended
};

}  // namespace letterbox::records
