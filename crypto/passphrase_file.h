// Small secrets (key files) sealed with a passphrase, as `age -p` does it, and age's ASCII armor.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/recipient.h"

namespace letterbox::crypto {

/// Work factor for new files: about a second on a desktop of 2020.
inline constexpr unsigned kScryptWorkFactor = 18;

/// The binary age file that `age -d` opens with the same passphrase.
Bytes seal_with_passphrase(const SecretBytes& plaintext, const SecretBytes& passphrase,
                           unsigned work_factor = kScryptWorkFactor);

/// Opens one, armored or not. Throws Error kWrongPassphrase, kMalformed, kIntegrity, or kTooLarge
/// above 64 KiB.
SecretBytes open_with_passphrase(ByteView file, const SecretBytes& passphrase);

/// The two halves of it: what the passphrase yields, which costs a second and opens this file
/// alone, and opening with that. Together they throw what open_with_passphrase throws; the second
/// throws Error kIntegrity for the key of another file.
FileKey passphrase_file_key(ByteView file, const SecretBytes& passphrase);
SecretBytes open_with_file_key(ByteView file, const FileKey& file_key);

/// Whether `file` begins as an age file, armored or not: a sealed key file rather than a bare one.
bool looks_like_age(ByteView file) noexcept;

/// Yields the binary age file behind `source`, which may be armored ("-----BEGIN AGE ENCRYPTED
/// FILE-----"; strict PEM as age.md says) or binary already. Throws Error kMalformed.
class Dearmor final : public Source {
 public:
  explicit Dearmor(Source& source);
  ~Dearmor() override;
  Dearmor(const Dearmor&) = delete;
  Dearmor& operator=(const Dearmor&) = delete;
  ByteView next() override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace letterbox::crypto
