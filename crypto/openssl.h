// OpenSSL's objects as owned handles, and the one place where its error queue is read.
//
// Internal to crypto/: no other room includes this.
#pragma once

#include <openssl/evp.h>
#include <openssl/kdf.h>

#include <memory>

#include "base/error.h"

namespace letterbox::crypto::openssl {

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* object) const noexcept {
    kFree(object);
  }
};

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Free<EVP_CIPHER_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using Kdf = std::unique_ptr<EVP_KDF, Free<EVP_KDF_free>>;
using KdfContext = std::unique_ptr<EVP_KDF_CTX, Free<EVP_KDF_CTX_free>>;
using Mac = std::unique_ptr<EVP_MAC, Free<EVP_MAC_free>>;
using MacContext = std::unique_ptr<EVP_MAC_CTX, Free<EVP_MAC_CTX_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;

/// Empties this thread's error queue into an Error kInternal: "`what`: reason; reason".
[[noreturn]] void raise(const char* what, Where where = Where::here());

/// Empties the queue after a failure that is an answer (a tag that differs), so that it can't be
/// taken for the reason of a later one.
void forget_errors() noexcept;

/// Raises unless `ok` is what OpenSSL calls success: exactly 1.
inline void require(int ok, const char* what, Where where = Where::here()) {
  if (ok != 1) raise(what, where);
}

/// Raises unless `handle` holds something; returns it.
template <typename Handle>
Handle require(Handle handle, const char* what, Where where = Where::here()) {
  if (!handle) raise(what, where);
  return handle;
}

}  // namespace letterbox::crypto::openssl
