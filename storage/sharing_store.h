// Changing who a delivery is for: a new cover, and with it new headers for all files and indexes,
// all at once.
//
// Nobody here can check a header's MAC, so whoever changes a delivery can make it unreadable for
// everybody. So the headers of the first version, which its sender made, are kept as long as the
// delivery lives, and those of every other former version until a recipient confirms a later one,
// or kFormerVersionKept.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/uuid.h"
#include "storage/audit_store.h"
#include "storage/tenant_store.h"

namespace letterbox::storage {

/// So many former versions of a delivery are kept beside the first; one more is refused until one
/// is confirmed. The sender isn't: who fills them up mustn't keep the sender from dropping them.
inline constexpr std::size_t kMostFormerVersions = 8;

/// What opens a file and its index under one version of its cover.
struct FileHeaders {
  Bytes header;
  std::optional<Bytes> index;  ///< there if the file has an index
};

/// How a file and its index begin under one version: what a recipient opens, and shares on, them
/// by.
struct FileBeginnings {
  Uuid file;
  FileHeaders headers;
  std::array<Byte, 16> nonce;                         ///< of the payload, under every version
  std::optional<std::array<Byte, 16>> index_nonce{};  ///< there if the file has an index
};

/// Of all files of a delivery, one after the other, in the order of their ids. Isn't thread-safe,
/// and mustn't outlive the store.
class BeginningsReader {
 public:
  virtual ~BeginningsReader() = default;

  /// Nothing at the end. Throws Error kNotFound if there is no such closed delivery (any more), or
  /// the version is neither current nor kept; kUnavailable. Holds no connection between calls.
  virtual std::optional<FileBeginnings> next() = 0;
};

struct NewVersion {
  std::uint32_t version;                ///< the one after the current one
  std::string cover;                    ///< the envelope, kept verbatim
  std::vector<std::string> recipients;  ///< the age1… strings of the cover
  bool is_senders = false;              ///< who made it is the delivery's sender
};

enum class SwapOutcome : std::uint8_t {
  kDone,
  kDoneBefore,    ///< this very cover has this version already; nothing was changed
  kOtherVersion,  ///< the current version isn't the one before
  kTooManyKept,   ///< kMostFormerVersions are kept and not confirmed
  kOtherFiles,    ///< the headers aren't those of exactly the delivery's files and indexes
};

/// One change in the making. Headers pile up invisibly. For one thread at a time; destroyed before
/// its commit, it drops them.
class RecipientChange {
 public:
  virtual ~RecipientChange() = default;

  /// Each file once, in any order. Throws Error kUnavailable; kInternal if a header is empty.
  virtual void add(const Uuid& file, FileHeaders headers) = 0;

  /// In one transaction: the cover, the inboxes, and the headers of all files and indexes; durable
  /// when it returns kDone. Throws Error kNotFound if there is no such delivery that is closed;
  /// kUnavailable, and then the outcome may be unknown: commit it in a change of its own again.
  [[nodiscard]] virtual SwapOutcome commit(const NewVersion& version, std::chrono::sys_seconds now,
                                           const AuditEvent& event) = 0;
};

/// Thread-safe. Every call may throw Error kUnavailable; a call that returned is durable.
class SharingStore {
 public:
  virtual ~SharingStore() = default;

  /// Asks nobody yet.
  virtual std::unique_ptr<RecipientChange> begin(TenantId tenant, const Uuid& delivery) = 0;

  /// A file's headers under a former version that is still kept, of a closed delivery that hasn't
  /// expired; nothing otherwise. The current ones are BlobStore's.
  virtual std::optional<FileHeaders> former(TenantId tenant, const Uuid& file,
                                            std::uint32_t version) = 0;

  /// How all files of a delivery begin under a version that is current or kept. One that becomes a
  /// former one meanwhile is read on.
  virtual std::unique_ptr<BeginningsReader> read(TenantId tenant, const Uuid& delivery,
                                                 std::uint32_t version) = 0;

  /// Versions of a live delivery that are kept beside the current one, oldest first.
  virtual std::vector<std::uint32_t> kept(TenantId tenant, const Uuid& delivery) = 0;

  /// Drops what is kept of versions before `version`, but for the first. True if there was
  /// anything; otherwise there is no event. Throws Error kNotFound if there is no such closed
  /// delivery, kConflict if it hasn't come to this version.
  virtual bool confirm(TenantId tenant, const Uuid& delivery, std::uint32_t version,
                       const AuditEvent& event) = 0;
};

}  // namespace letterbox::storage
