#include "storage/postgres_mailboxes.h"

#include <map>

#include "base/error.h"
#include "storage/postgres_audit.h"
#include "storage/postgres_values.h"
#include "storage/study_check.h"

namespace letterbox::storage {

namespace {

// All mailboxes of a tenant, or one.
template <typename Snapshot>
std::vector<Mailbox> load(Snapshot& snapshot, TenantId tenant,
                          const std::optional<std::string>& name) {
  const std::string id = tenant.uuid.text();
  const auto ask = [&](const std::string& select, const std::string& column) {
    return name ? snapshot.exec_params(select + " AND " + column + " = $2", id, binary(*name))
                : snapshot.exec_params(select, id);
  };

  std::map<std::string, Mailbox> found;
  for (const pqxx::row& row :
       ask("SELECT name, closes_after FROM mailbox WHERE tenant_id = $1", "name")) {
    const auto key = row[0].template as<std::string>();
    found[key].name = key;
    found[key].closes_after = std::chrono::seconds(row[1].template as<std::int64_t>());
  }
  for (const pqxx::row& row :
       ask("SELECT mailbox, handle FROM mailbox_recipient WHERE tenant_id = $1", "mailbox")) {
    found.at(row[0].template as<std::string>())
        .recipients.insert(row[1].template as<std::string>());
  }
  for (const pqxx::row& row :
       ask("SELECT mailbox, principal_id FROM mailbox_depositor WHERE tenant_id = $1", "mailbox")) {
    found.at(row[0].template as<std::string>()).depositors.insert(uuid_of(row[1]));
  }

  std::vector<Mailbox> mailboxes;
  mailboxes.reserve(found.size());
  for (auto& [key, mailbox] : found) mailboxes.push_back(std::move(mailbox));
  return mailboxes;
}

}  // namespace

void PostgresMailboxes::put(TenantId tenant, const Mailbox& mailbox, const AuditEvent& event) {
  require_sound_pause(mailbox.closes_after);
  const std::string id = tenant.uuid.text();
  const std::vector<std::string> recipients(mailbox.recipients.begin(), mailbox.recipients.end());
  const std::vector<Uuid> depositors(mailbox.depositors.begin(), mailbox.depositors.end());
  pool_.transact([&](pqxx::work& transaction, Connection&) {
    // The row stays when it is replaced: tokens hang on it. Changing it makes those who put the
    // same one take turns.
    transaction.exec_params(R"SQL(
        INSERT INTO mailbox (tenant_id, name, closes_after) VALUES ($1, $2, $3)
        ON CONFLICT (tenant_id, name) DO UPDATE SET closes_after = excluded.closes_after)SQL",
                            id, binary(mailbox.name), mailbox.closes_after.count());
    transaction.exec_params("DELETE FROM mailbox_recipient WHERE tenant_id = $1 AND mailbox = $2",
                            id, binary(mailbox.name));
    transaction.exec_params("DELETE FROM mailbox_depositor WHERE tenant_id = $1 AND mailbox = $2",
                            id, binary(mailbox.name));
    transaction.exec_params(R"SQL(
        INSERT INTO mailbox_recipient (tenant_id, mailbox, handle)
        SELECT $1::uuid, $2::text, handle FROM unnest($3::text[]) AS handle)SQL",
                            id, binary(mailbox.name), array_literal(recipients));
    transaction.exec_params(R"SQL(
        INSERT INTO mailbox_depositor (tenant_id, mailbox, principal_id)
        SELECT $1::uuid, $2::text, principal FROM unnest($3::uuid[]) AS principal)SQL",
                            id, binary(mailbox.name), array_literal(depositors));
    record(transaction, tenant, event);
  });
}

std::optional<Mailbox> PostgresMailboxes::find(TenantId tenant, const std::string& name) {
  return pool_.read([&](auto& snapshot) -> std::optional<Mailbox> {
    auto found = load(snapshot, tenant, name);
    if (found.empty()) return std::nullopt;
    return std::move(found.front());
  });
}

std::vector<Mailbox> PostgresMailboxes::list(TenantId tenant) {
  return pool_.read([&](auto& snapshot) { return load(snapshot, tenant, std::nullopt); });
}

bool PostgresMailboxes::remove(TenantId tenant, const std::string& name, const AuditEvent& event) {
  return pool_.transact([&](pqxx::work& transaction, Connection&) {
    const bool removed = transaction
                             .exec_params("DELETE FROM mailbox WHERE tenant_id = $1 AND name = $2",
                                          tenant.uuid.text(), binary(name))
                             .affected_rows() > 0;
    if (removed) record(transaction, tenant, event);
    return removed;
  });
}

}  // namespace letterbox::storage
