// Uploads that may break off and go on: the bytes of one age file, in order, over many requests and
// through any gateway.
//
// What has come lies in whole rows of the payload to be; what lies before the first row or behind
// the last one is the *tail*, kept as it came. Storage looks into none of it: the caller parses
// header and rows (crypto/), and runs the payload's SHA-256, whose state is kept here as opaque
// bytes. An upload is nobody's file yet: its beginning is audited, and the file that it becomes.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/uuid.h"
#include "storage/audit_store.h"
#include "storage/tenant_store.h"

namespace letterbox::storage {

struct NewUpload {
  Uuid id;
  Uuid delivery;
  Uuid file;             ///< the id that the file will have
  std::uint64_t length;  ///< of header, nonce and chunks; it counts against the quota at once
  std::string device;    ///< key id of the device that sends it
};

struct Upload {
  NewUpload made;
  std::uint64_t offset;              ///< so many bytes came and are durable
  std::chrono::sys_seconds expires;  ///< forgotten then, unless more comes

  /// It is a file of its delivery.
  bool complete() const noexcept { return offset == made.length; }
};

/// What stands before the rows.
struct UploadHead {
  Bytes header;  ///< the age header, whole
  std::array<Byte, 16> nonce;
};

/// What is kept of an upload that isn't complete.
struct UploadProgress {
  std::optional<UploadHead> head;  ///< once it came whole
  std::size_t rows = 0;            ///< full ones, kept
  Bytes tail;                      ///< the bytes behind the last row; without a head, all of them
  Bytes hash;                      ///< the caller's, as the last step brought it
};

/// What a call adds to an upload, all of it or nothing. Its views must outlive the call.
struct UploadStep {
  const UploadHead* head = nullptr;       ///< with the step that makes it whole, before any row
  std::span<const Ciphertext> rows = {};  ///< all full, but the last one of the payload
  ByteView tail = {};                     ///< replaces the one before: less than a row
  ByteView hash = {};                     ///< replaces the one before
};

/// One upload, held by one writer. Destroyed, it lets go. For one thread at a time.
class UploadWriter {
 public:
  virtual ~UploadWriter() = default;

  /// As they are after the last call that returned.
  virtual const Upload& upload() const noexcept = 0;
  virtual const UploadProgress& progress() const noexcept = 0;

  /// Durable when it returns, and upload() has the new offset, which must be less than the length.
  /// Throws Error kNotFound if the upload, or its delivery, is gone; kConflict if its delivery is
  /// closed, or another writer took over after the hold was lost with a connection; kUnavailable,
  /// after which the outcome may be unknown, and only destroying it makes sense; kInternal if the
  /// step isn't what may come next.
  virtual void advance(const UploadStep& step, std::chrono::sys_seconds now) = 0;

  /// The last step, which has no tail and the payload's last row: makes the upload a file of its
  /// delivery, whose payload has this SHA-256. Throws as advance, and Error kConflict if the tenant
  /// has a file of this id, kQuotaExceeded.
  virtual void complete(const UploadStep& step, const Digest& payload_sha256,
                        std::chrono::sys_seconds now, const AuditEvent& event) = 0;

  /// Takes back what this writer advanced, because the whole of it turned out not to be what was
  /// meant. For an upload that isn't complete. Durable when it returns. Throws as advance.
  virtual void rewind(std::chrono::sys_seconds now) = 0;
};

/// `now` is the caller's clock throughout. A tenant's calls find what is its own. Thread-safe.
/// Every call may throw Error kUnavailable; a call that returned is durable.
class UploadStore {
 public:
  virtual ~UploadStore() = default;

  /// Throws Error kNotFound if there is no such delivery; kConflict if it isn't open, is sealed by
  /// the gateway, or an upload or a file has the id already; kQuotaExceeded, also if its sender's
  /// uploads that aren't complete would come to more than `most` bytes.
  virtual Upload create(TenantId tenant, const NewUpload& upload, std::uint64_t most,
                        std::chrono::sys_seconds now, const AuditEvent& event) = 0;

  /// Complete or not, until it expires. An upload goes away with its delivery, and an incomplete
  /// one when its delivery closes.
  virtual std::optional<Upload> find(TenantId tenant, const Uuid& id,
                                     std::chrono::sys_seconds now) = 0;

  /// Null while another writer holds it. A hold ends with its writer, with the process that has it,
  /// and with that process's connection to the database. A complete one can be held too, and takes
  /// no step. Throws Error kNotFound.
  virtual std::unique_ptr<UploadWriter> resume(TenantId tenant, const Uuid& id,
                                               std::chrono::sys_seconds now) = 0;

  /// Forgets it, whoever holds it. A file that it became stays. False if there was none.
  virtual bool terminate(TenantId tenant, const Uuid& id) = 0;
};

}  // namespace letterbox::storage
