// All of storage behind one door: on PostgreSQL, or in memory.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/uuid.h"
#include "storage/audit_store.h"
#include "storage/blob_store.h"
#include "storage/delivery_store.h"
#include "storage/device_store.h"
#include "storage/invitation_store.h"
#include "storage/machine_store.h"
#include "storage/mail_store.h"
#include "storage/mailbox_store.h"
#include "storage/nonce_store.h"
#include "storage/notice_store.h"
#include "storage/principal_store.h"
#include "storage/receipt_store.h"
#include "storage/sharing_store.h"
#include "storage/study_store.h"
#include "storage/tenant_store.h"
#include "storage/upload_store.h"
#include "storage/webhook_store.h"

namespace letterbox::storage {

/// What a sweep took away: staged files that nobody finishes any more, and their rows.
struct Swept {
  std::uint64_t files = 0;
  std::uint64_t rows = 0;
};

/// What a sweep found over, and took away.
struct Lapsed {
  std::uint64_t deliveries = 0;       ///< expired: their headers
  std::uint64_t uploads = 0;          ///< that nobody went on with
  std::uint64_t former_versions = 0;  ///< and staged headers of changes that never came
  std::uint64_t payloads = 0;         ///< sealed bytes that belong to nothing any more, whole
  std::uint64_t rows = 0;             ///< of those
  std::uint64_t notices = 0;
  std::uint64_t forgotten = 0;  ///< deliveries that ended long ago: what was kept of them

  bool any() const noexcept {
    return deliveries + uploads + former_versions + payloads + rows + notices + forgotten > 0;
  }
};

/// How a store is, for whoever decides whether to send it requests.
struct Condition {
  bool reachable = false;
  bool schema_current = false;  ///< the schema is the one of this program; false if unreachable
};

/// The store's connections at one moment.
struct ConnectionUse {
  std::size_t open = 0;  ///< busy or idle
  std::size_t busy = 0;
  std::size_t most = 0;  ///< as many as may be open
};

class Store {
 public:
  virtual ~Store() = default;
  virtual BlobStore& blobs() = 0;
  virtual DeliveryStore& deliveries() = 0;
  virtual StudyStore& studies() = 0;
  virtual UploadStore& uploads() = 0;
  virtual SharingStore& sharing() = 0;
  virtual ReceiptStore& receipts() = 0;
  virtual NoticeStore& notices() = 0;
  virtual WebhookStore& webhooks() = 0;
  virtual MailStore& mail() = 0;

  virtual TenantStore& tenants() = 0;
  virtual PrincipalStore& principals() = 0;
  virtual DeviceStore& devices() = 0;
  virtual MachineStore& machines() = 0;
  virtual InvitationStore& invitations() = 0;
  virtual MailboxStore& mailboxes() = 0;
  virtual NonceStore& nonces() = 0;
  virtual AuditStore& audit() = 0;

  /// Drops what earlier runs of this instance left staged. To be called once, before the first
  /// begin(). Throws Error kUnavailable.
  virtual Swept sweep() = 0;

  /// Takes away what is over at `now`, by the caller's clock (storage/lifetimes.h): at most `limit`
  /// of each kind, in short transactions, the headers before the bytes. Any number of gateways may
  /// sweep at once: each thing is taken once, and what somebody works on is left for the next time.
  /// Again, until there isn't any. Throws Error kUnavailable. Thread-safe.
  virtual Lapsed sweep_lapsed(std::chrono::sys_seconds now, std::size_t limit) = 0;

  /// About how many bytes the store has taken from its disk and doesn't need now: what comes next
  /// goes there first. Throws Error kUnavailable. Thread-safe.
  virtual std::uint64_t reusable() = 0;

  /// Asks the database once, and doesn't wait for one that is away. Never throws for what it finds.
  /// Thread-safe.
  virtual Condition condition() = 0;
  /// Asks nobody. Thread-safe.
  virtual ConnectionUse connection_use() = 0;
};

struct PostgresOptions {
  /// A libpq connection string or URL, without a password (PGPASSFILE or passfile= names a file).
  std::string connection;
  /// Most connections open at once; a caller beyond that waits, at most `patience_seconds`.
  std::size_t pool_size = 8;
  unsigned patience_seconds = 10;
  /// Whose staged files are whose: kept with the gateway's data directory, so it outlives a
  /// process.
  Uuid instance;
};

/// What open_postgres demands of a connection string, without connecting. Throws Error
/// kConfiguration, which doesn't quote it.
void check_connection_string(const std::string& connection);

/// Connects, then brings the schema to this version under an advisory lock. Throws Error
/// kUnavailable if the server can't be reached, kConfiguration if the connection string is none or
/// holds a password, the schema is newer than this program, or a past migration was changed.
/// Connections lost later (a server restart) are replaced.
std::unique_ptr<Store> open_postgres(const PostgresOptions& options);

/// The same contract in memory, for embedding and tests; nothing survives the object.
std::unique_ptr<Store> open_memory();

}  // namespace letterbox::storage
