#include "crypto/openssl.h"

#include <openssl/err.h>

#include <string>

namespace letterbox::crypto::openssl {

void raise(const char* what, Where where) {
  std::string message = what;
  const char* separator = ": ";
  while (const unsigned long code = ERR_get_error()) {
    const char* reason = ERR_reason_error_string(code);
    message += separator;
    message += reason ? reason : "error " + std::to_string(code);
    separator = "; ";
  }
  throw Error(ErrorCode::kInternal, message, where);
}

void forget_errors() noexcept {
  ERR_clear_error();
}

}  // namespace letterbox::crypto::openssl
