// The body that a caller signed for, or none.
#pragma once

#include "base/bytes.h"
#include "records/content_digest.h"

namespace letterbox::gateway {

/// Passes a body on as it comes. What is pulled before its end is unchecked: commit nothing before
/// that. `body` must outlive this.
class AnnouncedBody final : public Source {
 public:
  AnnouncedBody(Source& body, const Digest& announced) : body_(body, announced) {}
  /// Throws Error kUnauthenticated in place of the end if it is another body, and what `body`
  /// throws.
  ByteView next() override;

 private:
  records::DigestingSource body_;
};

}  // namespace letterbox::gateway
