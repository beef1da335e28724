// A delivery that this device seals: agreed with the gateway, filled, closed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "client/addressees.h"
#include "client/caller.h"
#include "client/spool.h"
#include "records/cover.h"
#include "records/device_record.h"
#include "records/index.h"
#include "records/manifest.h"
#include "records/time.h"

namespace letterbox::client {

/// The devices that may be sealed for: of each handle that was asked for those that are known by
/// now, and each single device that was asked for. Throws Error kUntrustedKey, saying what to do,
/// if a handle has an active device that nothing known vouches for; kUnknownRecipient if somebody
/// has no device to seal for, and kNotFound if the gateway knows nobody of a handle.
std::vector<records::DeviceRecord> sealable_devices(Caller& us, const Addressees& addressees);

/// Throws Error kCoverMismatch unless the cover expires then, where a time was asked for.
void check_expiry(const records::Cover& cover, const std::optional<records::Time>& expires);

/// A file that is sealed and not sent yet.
struct SpooledFile {
  Spool age_file;
  records::ManifestEntry entry;
};

/// For one thread at a time.
class SealedDelivery {
 public:
  /// The gateway drafts a cover; we read it, judge it by `sealable`, and only then sign it. `us`
  /// must outlive this. Throws Error kUntrustedKey, kCoverMismatch, kMalformed.
  SealedDelivery(Caller& us, const Addressees& addressees,
                 const std::vector<records::DeviceRecord>& sealable,
                 const std::optional<records::Time>& expires);

  /// Seals one file here, to the end of `plaintext`, and sends nothing. `name` is what it is called
  /// in messages, `size` that of the plaintext, if it is known.
  SpooledFile seal(Source& plaintext, const std::string& name,
                   const std::optional<std::uint64_t>& size) const;
  /// Sends it, and compares it with what the gateway says it stored.
  void add(SpooledFile& file, const std::string& name);
  /// Seals and sends the index of a file that was added.
  void add_index(const Uuid& file, const records::Index& index);
  /// Signs the manifest, which makes the delivery visible, and remembers both.
  void close();
  /// Instead of close(): has the gateway forget what was sent. Who is told that a send failed has
  /// no id to delete it by. Where that fails too it stays, seen by nobody, until it expires.
  void abandon() noexcept;

  const records::Cover& cover() const noexcept { return cover_.cover; }
  const records::Manifest& manifest() const noexcept { return manifest_; }

 private:
  void post(const char* where, const records::ManifestEntry& entry, const RequestBody& age_file);

  Caller& us_;
  records::SignedCover cover_;
  records::Manifest manifest_;
};

}  // namespace letterbox::client
