#include "storage/postgres_nonces.h"

#include <algorithm>
#include <limits>

#include "storage/postgres_staging.h"
#include "storage/postgres_values.h"

namespace letterbox::storage {

namespace {

constexpr const char* kClaim = R"SQL(
  INSERT INTO nonce AS known (tenant_id, key_id, nonce, expires)
  VALUES ($1, $2, $3, to_timestamp($4::text::bigint))
  ON CONFLICT (tenant_id, key_id, nonce)
    DO UPDATE SET expires = excluded.expires WHERE known.expires <= now())SQL";

}  // namespace

bool PostgresNonces::claim(TenantId tenant, const std::string& key_id, const std::string& nonce,
                           std::chrono::sys_seconds expires) {
  const std::string until = std::to_string(seconds(expires));
  // Its COMMIT needn't wait for the disk: that of the request's own record comes later and flushes
  // the write-ahead log up to itself.
  const std::vector<Statement> statements = {
      {kDoNotWait, {}},
      {kClaim, {tenant.uuid, as_bytes(key_id), as_bytes(nonce), as_bytes(until)}}};
  return pool_.run([&](Connection& connection) {
    return connection.execute_all(statements).back().affected() > 0;
  });
}

std::size_t PostgresNonces::sweep(std::size_t limit) {
  const auto most = std::min<std::size_t>(limit, std::numeric_limits<std::int64_t>::max());
  return pool_.transact([&](pqxx::work& transaction, Connection&) {
    transaction.exec("SET LOCAL synchronous_commit = off");
    // What another sweep has in hand, or a claim is renewing, is left to them.
    return static_cast<std::size_t>(transaction
                                        .exec_params(R"SQL(
        WITH expired AS (
          SELECT tenant_id, key_id, nonce
            FROM nonce
           WHERE expires <= now()
           ORDER BY expires
           LIMIT $1::bigint
             FOR UPDATE SKIP LOCKED)
        DELETE FROM nonce USING expired
         WHERE nonce.tenant_id = expired.tenant_id AND nonce.key_id = expired.key_id
           AND nonce.nonce = expired.nonce)SQL",
                                                     most)
                                        .affected_rows());
  });
}

}  // namespace letterbox::storage
