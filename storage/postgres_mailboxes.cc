#include "storage/postgres_mailboxes.h"

#include "base/error.h"
#include "storage/postgres_audit.h"
#include "storage/postgres_values.h"
#include "storage/study_check.h"

namespace letterbox::storage {

namespace {

const std::string kSelect = R"SQL(
    SELECT m.name, m.closes_after,
           ARRAY(SELECT handle FROM mailbox_recipient
                  WHERE tenant_id = m.tenant_id AND mailbox = m.name) AS recipients,
           ARRAY(SELECT principal_id FROM mailbox_depositor
                  WHERE tenant_id = m.tenant_id AND mailbox = m.name) AS depositors
      FROM mailbox AS m
     WHERE m.tenant_id = $1)SQL";

// Of an array without nulls.
template <typename Take>
void for_each_element(const pqxx::field& array, Take take) {
  pqxx::array_parser elements = array.as_array();
  for (auto next = elements.get_next(); next.first != pqxx::array_parser::done;
       next = elements.get_next()) {
    if (next.first == pqxx::array_parser::string_value) take(next.second);
  }
}

Mailbox mailbox_of(const pqxx::row& row) {
  Mailbox mailbox{row["name"].as<std::string>(), {}, {}};
  mailbox.closes_after = std::chrono::seconds(row["closes_after"].as<std::int64_t>());
  for_each_element(row["recipients"],
                   [&](const std::string& handle) { mailbox.recipients.insert(handle); });
  for_each_element(row["depositors"],
                   [&](const std::string& id) { mailbox.depositors.insert(uuid_in(id)); });
  return mailbox;
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
  const pqxx::result found =
      pool_.ask(kSelect + " AND m.name = $2", tenant.uuid.text(), binary(name));
  if (found.empty()) return std::nullopt;
  return mailbox_of(found[0]);
}

std::vector<Mailbox> PostgresMailboxes::list(TenantId tenant) {
  std::vector<Mailbox> mailboxes;
  for (const pqxx::row& row : pool_.ask(kSelect + " ORDER BY m.name", tenant.uuid.text())) {
    mailboxes.push_back(mailbox_of(row));
  }
  return mailboxes;
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
