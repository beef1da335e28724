// What becomes of a delivery after it was sent: who fetched it, who opened it, how it ended.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "storage/audit_store.h"
#include "storage/delivery_state.h"
#include "storage/tenant_store.h"

namespace letterbox::storage {

enum class DownloadOutcome : std::uint8_t {
  kCounted,
  kContinued,  ///< within kDownloadContinues of one that was counted: free
  kRefused,    ///< the device had it as often as the delivery allows
};

/// How far one device has come with a delivery. Who was dropped from it stays here.
struct DeviceProgress {
  std::string recipient;                              ///< age1…
  bool listed;                                        ///< the current cover lists it
  std::optional<std::chrono::sys_seconds> collected;  ///< its first counted download of any file
  std::optional<std::string> opened;                  ///< the receipt it signed
};

/// A delivery as its sender sees it, whatever became of it.
struct SentDelivery {
  Uuid id;
  Uuid sender;
  DeliveryState state;
  bool sealed_by_gateway;
  std::chrono::sys_seconds created;
  std::chrono::sys_seconds expires;
  std::optional<std::chrono::sys_seconds> ended;  ///< once it was swept or revoked
  std::uint32_t downloads;
  std::uint64_t files;              ///< once it ended: those it had then
  std::uint64_t bytes;              ///< of their payloads, and of their indexes'
  std::vector<std::string> covers;  ///< envelopes, version 1 first
  std::optional<std::string> manifest;
  std::optional<std::string> deletion_receipt;  ///< if it was revoked with one
  std::vector<DeviceProgress> devices;          ///< by recipient, bytewise
};

struct SentPage {
  std::vector<SentDelivery> deliveries;
  bool more;  ///< there are older ones
};

/// Thread-safe. Every call may throw Error kUnavailable; a call that returned is durable.
class ReceiptStore {
 public:
  virtual ~ReceiptStore() = default;

  /// To be asked before the first content byte of files leaves for this device of a recipient. For
  /// each in turn: nothing if it can't be seen, or isn't for this device (any more). `event`, with
  /// the file for its object, is recorded for each that counts. They count in one transaction. Two
  /// who ask at the same moment are one download. A failure after it doesn't undo it.
  virtual std::vector<std::optional<DownloadOutcome>> begin_downloads(TenantId tenant,
                                                                      std::span<const Uuid> files,
                                                                      const std::string& recipient,
                                                                      std::chrono::sys_seconds now,
                                                                      const AuditEvent& event) = 0;

  /// The same of one.
  std::optional<DownloadOutcome> begin_download(TenantId tenant, const Uuid& file,
                                                const std::string& recipient,
                                                std::chrono::sys_seconds now,
                                                const AuditEvent& event) {
    return begin_downloads(tenant, std::span(&file, 1), recipient, now, event).front();
  }

  /// A recipient's device says that it opened a closed delivery. True if this is new; false if the
  /// same bytes are there already. Throws Error kNotFound if there is no such delivery for this
  /// device, kConflict if other bytes are there.
  virtual bool put_opened(TenantId tenant, const Uuid& delivery, const std::string& recipient,
                          const std::string& receipt, const AuditEvent& event) = 0;

  /// What `sender` sent, the newest first, from before `before`; at most `limit`, and at least one
  /// if there is one. A page ends when its covers and manifests come to
  /// kPageRecords.
  /// What ended is in it for kEndedKept.
  virtual SentPage sent(TenantId tenant, const Uuid& sender, const std::optional<Uuid>& before,
                        std::size_t limit) = 0;
  /// One of them, whoever sent it.
  virtual std::optional<SentDelivery> find(TenantId tenant, const Uuid& delivery) = 0;
};

}  // namespace letterbox::storage
