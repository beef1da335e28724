#include "gateway/identity/announced_body.h"

#include "base/error.h"

namespace letterbox::gateway {

ByteView AnnouncedBody::next() try { return body_.next(); } catch (const Error& error) {
  // Nothing of the body was signed, so whoever sent it isn't whom the signature says.
  if (error.code() != ErrorCode::kIntegrity) throw;
  throw Error(ErrorCode::kUnauthenticated, "another body than was signed", error.where());
}

}  // namespace letterbox::gateway
