// The store on PostgreSQL: a pool, the stores on it, and the schema under them.
#include <libpq-fe.h>

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "storage/migrations.h"
#include "storage/pool.h"
#include "storage/postgres_audit.h"
#include "storage/postgres_blobs.h"
#include "storage/postgres_deliveries.h"
#include "storage/postgres_devices.h"
#include "storage/postgres_invitations.h"
#include "storage/postgres_machines.h"
#include "storage/postgres_mail.h"
#include "storage/postgres_mailboxes.h"
#include "storage/postgres_nonces.h"
#include "storage/postgres_notices.h"
#include "storage/postgres_principals.h"
#include "storage/postgres_receipts.h"
#include "storage/postgres_sharing.h"
#include "storage/postgres_studies.h"
#include "storage/postgres_sweep.h"
#include "storage/postgres_tenants.h"
#include "storage/postgres_uploads.h"
#include "storage/postgres_webhooks.h"
#include "storage/store.h"

namespace letterbox::storage {

namespace {

// The tables of sealed bytes, without what is in them; that costs a few percent for being in
// pieces.
constexpr const char* kReusable = R"SQL(
  SELECT greatest(0, pg_total_relation_size('payload_row') + pg_total_relation_size('sealed_index')
                     - 1.06 * coalesce(sum(bytes), 0))::bigint
    FROM tenant_usage)SQL";

class PostgresStore final : public Store {
 public:
  explicit PostgresStore(const PostgresOptions& options)
      : pool_(options),
        blobs_(pool_, options.instance),
        studies_(pool_, options.instance),
        uploads_(pool_, options),
        webhooks_(pool_, options.instance),
        mail_(pool_, options.instance) {
    const auto applied = pool_.transact(
        [](pqxx::work& transaction, Connection&) { return migrate(transaction, migrations()); });
    for (const Migration& migration : applied) {
      log::info("schema migration applied", {{"migration", migration.name}});
    }
    warn_if_not_durable();
  }

  BlobStore& blobs() override { return blobs_; }
  DeliveryStore& deliveries() override { return deliveries_; }
  StudyStore& studies() override { return studies_; }
  UploadStore& uploads() override { return uploads_; }
  SharingStore& sharing() override { return sharing_; }
  ReceiptStore& receipts() override { return receipts_; }
  NoticeStore& notices() override { return notices_; }
  WebhookStore& webhooks() override { return webhooks_; }
  MailStore& mail() override { return mail_; }
  TenantStore& tenants() override { return tenants_; }
  PrincipalStore& principals() override { return principals_; }
  DeviceStore& devices() override { return devices_; }
  MachineStore& machines() override { return machines_; }
  InvitationStore& invitations() override { return invitations_; }
  MailboxStore& mailboxes() override { return mailboxes_; }
  NonceStore& nonces() override { return nonces_; }
  AuditStore& audit() override { return audit_; }
  Swept sweep() override { return blobs_.sweep(); }
  Lapsed sweep_lapsed(std::chrono::sys_seconds now, std::size_t limit) override {
    return storage::sweep_lapsed(pool_, now, limit);
  }
  ConnectionUse connection_use() override { return pool_.use(); }

  std::uint64_t reusable() override { return pool_.ask(kReusable)[0][0].as<std::uint64_t>(); }

  Condition condition() override {
    try {
      const bool current = pool_.run(
          [](Connection& connection) {
            pqxx::nontransaction session(connection.records());
            return is_current(session, migrations());
          },
          Pool::Effort::kOnce);
      return {.reachable = true, .schema_current = current};
    } catch (const Error& error) {
      // Anything but kUnavailable is the answer of a database whose schema isn't ours.
      return {.reachable = error.code() != ErrorCode::kUnavailable, .schema_current = false};
    }
  }

 private:
  // What a session can't change. "Acknowledged means durable" rests on it.
  void warn_if_not_durable() {
    for (const char* setting : {"fsync", "full_page_writes"}) {
      const auto value = pool_.read([&](auto& snapshot) {
        return snapshot.exec1(std::string("SHOW ") + setting)[0].template as<std::string>();
      });
      if (value == "off") {
        log::warn("the database may lose what it acknowledged: a setting of it is off",
                  {{"setting", setting}});
      }
    }
  }

  Pool pool_;
  PostgresBlobs blobs_;
  PostgresDeliveries deliveries_{pool_};
  PostgresStudies studies_;
  PostgresUploads uploads_;
  PostgresSharing sharing_{pool_};
  PostgresReceipts receipts_{pool_};
  PostgresNotices notices_{pool_};
  PostgresWebhooks webhooks_;
  PostgresMail mail_;
  PostgresTenants tenants_{pool_};
  PostgresPrincipals principals_{pool_};
  PostgresDevices devices_{pool_};
  PostgresMachines machines_{pool_};
  PostgresInvitations invitations_{pool_};
  PostgresMailboxes mailboxes_{pool_};
  PostgresNonces nonces_{pool_};
  PostgresAudit audit_{pool_};
};

}  // namespace

// A connection string is seen in process lists, shell histories and configuration files.
void check_connection_string(const std::string& connection) {
  char* reason = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> parsed(
      PQconninfoParse(connection.c_str(), &reason), PQconninfoFree);
  if (parsed == nullptr) {
    PQfreemem(reason);  // it quotes the string
    throw Error(ErrorCode::kConfiguration,
                "the database connection is neither a libpq connection string nor a URL");
  }
  for (const PQconninfoOption* option = parsed.get(); option->keyword != nullptr; ++option) {
    const std::string keyword = option->keyword;
    if ((keyword == "password" || keyword == "sslpassword") && option->val != nullptr) {
      throw Error(ErrorCode::kConfiguration,
                  "the database connection holds a password: put it into a file of mode 0600 and "
                  "name that with passfile=");
    }
  }
}

std::unique_ptr<Store> open_postgres(const PostgresOptions& options) {
  check_connection_string(options.connection);
  return std::make_unique<PostgresStore>(options);
}

}  // namespace letterbox::storage
