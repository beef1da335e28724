// A check of what was read that failed: docs/format.md, "Reading".
#pragma once

#include <string>

#include "base/error.h"

namespace letterbox::client {

/// A check that failed, by name: nothing is shown and nothing is kept.
class Refused : public Error {
 public:
  Refused(const char* check, ErrorCode code, const std::string& detail);
  const char* check() const noexcept { return check_; }

 private:
  const char* check_;
};

namespace checks {
inline constexpr const char* kCoverSigner = "cover signer";
inline constexpr const char* kCoverSignature = "cover signature";
inline constexpr const char* kCoverVersions = "cover versions";
inline constexpr const char* kCoverChange = "cover changed by who may";
inline constexpr const char* kCoverVouched = "recipients vouched for";
inline constexpr const char* kCoverRollback = "cover no older than seen";
inline constexpr const char* kCoverDelivery = "cover of this delivery";
inline constexpr const char* kCoverListsUs = "cover lists this device";
inline constexpr const char* kManifestSignature = "manifest signature";
inline constexpr const char* kManifestDelivery = "manifest of this delivery";
inline constexpr const char* kManifestCover = "manifest names the cover";
inline constexpr const char* kManifestFile = "manifest lists the file";
inline constexpr const char* kHeaderFormat = "header format";
inline constexpr const char* kHeaderCover = "header names the cover";
inline constexpr const char* kFileKey = "file key";
inline constexpr const char* kHeaderRebuilt = "header rebuilt from file key and cover";
inline constexpr const char* kPayloadNonce = "payload nonce";
inline constexpr const char* kPayload = "payload chunks";
inline constexpr const char* kPayloadLength = "payload length";
inline constexpr const char* kPayloadDigest = "payload digest";
inline constexpr const char* kFiles = "files that are due";
inline constexpr const char* kIndexes = "indexes that the manifest lists";
inline constexpr const char* kIndexFormat = "index format";
inline constexpr const char* kReceipt = "receipt";
inline constexpr const char* kDeletionReceipt = "deletion receipt";
}  // namespace checks

/// Whether an error is a finding about what was read, rather than a failure to read it.
bool is_finding(ErrorCode code);

/// Runs one check; what it finds is reported under the check's name.
template <typename Check>
auto checked(const char* name, Check check) {
  try {
    return check();
  } catch (const Refused&) {
    throw;
  } catch (const Error& error) {
    if (!is_finding(error.code())) throw;
    const bool oversized = error.code() == ErrorCode::kTooLarge;
    throw Refused(name, oversized ? ErrorCode::kMalformed : error.code(), error.what());
  }
}

}  // namespace letterbox::client
