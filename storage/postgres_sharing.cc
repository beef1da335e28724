#include "storage/postgres_sharing.h"

#include <set>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "storage/postgres_audit.h"
#include "storage/postgres_values.h"
#include "storage/sharing_check.h"

namespace letterbox::storage {

namespace {

// So many bytes of headers are staged in one round trip.
constexpr std::size_t kBatch = std::size_t{1} * 1024 * 1024;

// --- Staging ------------------------------------------------------------------------------------
//
// The table isn't logged: a crash empties it, which the last transaction notices. An absent index
// header travels as an empty one.

constexpr const char* kStage = R"SQL(
  INSERT INTO staged_headers (tenant_id, change_id, file_id, header, index_header)
  SELECT $1, $2, s.file_id, s.header, nullif(s.index_header, ''::bytea)
    FROM unnest($3::uuid[], $4::bytea[], $5::bytea[]) AS s (file_id, header, index_header)
  ON CONFLICT DO NOTHING)SQL";

constexpr const char* kDropStaged = R"SQL(
  DELETE FROM staged_headers WHERE tenant_id = $1 AND change_id = $2)SQL";

constexpr const char* kCountStaged = R"SQL(
  SELECT count(*) FROM staged_headers WHERE tenant_id = $1 AND change_id = $2)SQL";

// --- The last transaction -----------------------------------------------------------------------

// Changes take turns; nobody ends the delivery meanwhile, or removes a file of it.
constexpr const char* kHoldClosed = R"SQL(
  SELECT version FROM live_delivery WHERE tenant_id = $1 AND id = $2 AND state = 'closed'
     FOR NO KEY UPDATE)SQL";

constexpr const char* kCover = R"SQL(
  SELECT envelope FROM cover WHERE tenant_id = $1 AND delivery_id = $2 AND version = $3)SQL";

constexpr const char* kCountKept = R"SQL(
  SELECT count(*) FROM former_version WHERE tenant_id = $1 AND delivery_id = $2)SQL";

constexpr const char* kKeepVersion = R"SQL(
  INSERT INTO former_version (tenant_id, delivery_id, version, since)
  VALUES ($1, $2, $3, to_timestamp($4::bigint)))SQL";

constexpr const char* kKeepHeaders = R"SQL(
  INSERT INTO former_headers (tenant_id, delivery_id, version, file_id, header, index_header)
  SELECT tenant_id, delivery_id, $3, id, header, index_header
    FROM file
   WHERE tenant_id = $1 AND delivery_id = $2)SQL";

constexpr const char* kSwapHeaders = R"SQL(
  UPDATE file AS f
     SET header = s.header, index_header = s.index_header
    FROM staged_headers AS s
   WHERE s.tenant_id = $1 AND s.change_id = $3
     AND f.tenant_id = $1 AND f.id = s.file_id AND f.delivery_id = $2
     AND (f.index_header IS NULL) = (s.index_header IS NULL))SQL";

constexpr const char* kRaiseVersion = R"SQL(
  UPDATE delivery SET version = $3 WHERE tenant_id = $1 AND id = $2)SQL";

constexpr const char* kAddCover = R"SQL(
  INSERT INTO cover (tenant_id, delivery_id, version, envelope) VALUES ($1, $2, $3, $4))SQL";

constexpr const char* kDropRecipients = R"SQL(
  DELETE FROM delivery_recipient
   WHERE tenant_id = $1 AND delivery_id = $2 AND recipient <> ALL ($3::text[]))SQL";

constexpr const char* kAddRecipients = R"SQL(
  INSERT INTO delivery_recipient (tenant_id, delivery_id, recipient)
  SELECT DISTINCT $1::uuid, $2::uuid, recipient FROM unnest($3::text[]) AS recipient
  ON CONFLICT DO NOTHING)SQL";

std::uint32_t hold_closed(pqxx::work& transaction, TenantId tenant, const Uuid& delivery) {
  const pqxx::result found =
      transaction.exec_params(kHoldClosed, tenant.uuid.text(), delivery.text());
  if (found.empty()) {
    throw Error(ErrorCode::kNotFound,
                "there is no such delivery that is closed: " + delivery.text());
  }
  return found[0][0].as<std::uint32_t>();
}

// Undoes the transaction.
struct OtherFiles : Error {
  OtherFiles() : Error(ErrorCode::kConflict, "headers of other files than the delivery's") {}
};

class Change final : public RecipientChange {
 public:
  Change(Pool& pool, TenantId tenant, const Uuid& delivery)
      : pool_(pool), tenant_(tenant), delivery_(delivery) {}
  ~Change() override {
    if (!begun_ || done_) return;
    try {
      pool_.run(
          [&](Connection& connection) {
            connection.execute(kDropStaged, {tenant_.uuid, id_});
          },
          Pool::Effort::kOnce);
    } catch (const Error& error) {
      log::error("staged headers left to the sweep", error);
    }
  }
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;

  void add(const Uuid& file, FileHeaders headers) override {
    require_sound(headers);
    is_double_ |= !files_.insert(file).second;
    bytes_ += headers.header.size() + (headers.index ? headers.index->size() : 0);
    batch_.emplace_back(file, std::move(headers));
    if (bytes_ >= kBatch) stage();
  }

  SwapOutcome commit(const NewVersion& version, std::chrono::sys_seconds now,
                     const AuditEvent& event) override {
    require_sound(version);
    stage();
    try {
      const SwapOutcome outcome = pool_.transact([&](pqxx::work& transaction, Connection&) {
        return swap(transaction, version, now, event);
      });
      done_ = outcome == SwapOutcome::kDone;
      return outcome;
    } catch (const OtherFiles&) {
      return SwapOutcome::kOtherFiles;
    }
  }

 private:
  void stage() {
    if (batch_.empty()) return;
    using Element = ArrayParameter::Element;
    ArrayParameter files(Element::kUuid, batch_.size());
    ArrayParameter headers(Element::kBytea, batch_.size());
    ArrayParameter indexes(Element::kBytea, batch_.size());
    for (const auto& [file, both] : batch_) {
      files.add(file);
      headers.add(both.header);
      indexes.add(both.index ? ByteView(*both.index) : ByteView());
    }
    begun_ = true;
    pool_.run([&](Connection& connection) {
      connection.execute(kStage, {tenant_.uuid, id_, files, headers, indexes});
    });
    batch_.clear();
    bytes_ = 0;
  }

  SwapOutcome swap(pqxx::work& transaction, const NewVersion& next, std::chrono::sys_seconds now,
                   const AuditEvent& event) const {
    const std::string tenant = tenant_.uuid.text();
    const std::string delivery = delivery_.text();
    const std::string change = id_.text();
    const std::uint32_t current = hold_closed(transaction, tenant_, delivery_);
    if (current == next.version) {
      const pqxx::row cover = transaction.exec_params1(kCover, tenant, delivery, current);
      if (text_of_bytea(cover[0]) == next.cover) return SwapOutcome::kDoneBefore;
    }
    if (current + 1 != next.version) return SwapOutcome::kOtherVersion;
    if (transaction.exec_params1(kCountKept, tenant, delivery)[0].as<std::size_t>() >=
        kMostFormerVersions) {
      return SwapOutcome::kTooManyKept;
    }
    if (is_double_) throw OtherFiles();
    if (transaction.exec_params1(kCountStaged, tenant, change)[0].as<std::size_t>() !=
        files_.size()) {
      throw Error(ErrorCode::kUnavailable,
                  "headers that were staged are gone (the database crashed); the change must be "
                  "sent again: " +
                      delivery);
    }
    transaction.exec_params(kKeepVersion, tenant, delivery, current, seconds(now));
    const auto held = transaction.exec_params(kKeepHeaders, tenant, delivery, current);
    const auto swapped = transaction.exec_params(kSwapHeaders, tenant, delivery, change);
    if (held.affected_rows() != files_.size() || swapped.affected_rows() != files_.size()) {
      throw OtherFiles();
    }

    const std::string recipients = array_literal(next.recipients);
    transaction.exec_params(kRaiseVersion, tenant, delivery, next.version);
    transaction.exec_params(kAddCover, tenant, delivery, next.version, binary(next.cover));
    transaction.exec_params(kDropRecipients, tenant, delivery, recipients);
    transaction.exec_params(kAddRecipients, tenant, delivery, recipients);
    transaction.exec_params(kDropStaged, tenant, change);
    record(transaction, tenant_, event);
    return SwapOutcome::kDone;
  }

  Pool& pool_;
  const TenantId tenant_;
  const Uuid delivery_;
  const Uuid id_ = Uuid::v7();
  std::set<Uuid> files_;
  bool is_double_ = false;
  std::vector<std::pair<Uuid, FileHeaders>> batch_;
  std::size_t bytes_ = 0;
  bool begun_ = false;  // the database may hold something of this
  bool done_ = false;
};

// --- Reading ------------------------------------------------------------------------------------

// So many files a round trip. Nulls if there is none; no row at all if the delivery can't be seen
// or the version isn't kept.
constexpr const char* kReadBeginnings = R"SQL(
  SELECT f.id, CASE WHEN d.version = $3 THEN f.header ELSE h.header END, f.nonce,
         CASE WHEN d.version = $3 THEN f.index_header ELSE h.index_header END, f.index_nonce
    FROM live_delivery AS d
    LEFT JOIN (file AS f
               LEFT JOIN former_headers AS h
                      ON h.tenant_id = f.tenant_id AND h.delivery_id = f.delivery_id
                     AND h.version = $3 AND h.file_id = f.id)
           ON f.tenant_id = d.tenant_id AND f.delivery_id = d.id AND f.id > $4
   WHERE d.tenant_id = $1 AND d.id = $2 AND d.state = 'closed'
     AND (d.version = $3
          OR EXISTS (SELECT
                       FROM former_version AS v
                      WHERE v.tenant_id = $1 AND v.delivery_id = $2 AND v.version = $3))
   ORDER BY f.id
   LIMIT 32)SQL";

class Beginnings final : public BeginningsReader {
 public:
  Beginnings(Pool& pool, TenantId tenant, const Uuid& delivery, std::uint32_t version)
      : pool_(pool),
        tenant_(tenant),
        delivery_(delivery),
        version_(static_cast<std::int32_t>(version)) {}

  std::optional<FileBeginnings> next() override {
    if (!page_ || row_ == page_->rows()) {
      page_ = pool_.run([&](Connection& connection) {
        return connection.execute(kReadBeginnings, {tenant_.uuid, delivery_, version_, last_});
      });
      row_ = 0;
    }
    if (page_->rows() == 0) {
      throw Error(ErrorCode::kNotFound,
                  "there is no such delivery, or not this version: " + delivery_.text());
    }
    if (page_->is_null(row_, 0)) return std::nullopt;
    last_ = page_->uuid(row_, 0);
    FileBeginnings found{last_, {bytes(1), std::nullopt}, page_->array<16>(row_, 2)};
    if (!page_->is_null(row_, 3)) {
      found.headers.index = bytes(3);
      found.index_nonce = page_->array<16>(row_, 4);
    }
    ++row_;
    return found;
  }

 private:
  Bytes bytes(int column) const {
    const ByteView view = page_->bytes(row_, column);
    return {view.begin(), view.end()};
  }

  Pool& pool_;
  const TenantId tenant_;
  const Uuid delivery_;
  const std::int32_t version_;
  Uuid last_;  // nil, which is smaller than any, before the first
  std::optional<BinaryResult> page_;
  int row_ = 0;  // of the page, the next one
};

}  // namespace

std::unique_ptr<BeginningsReader> PostgresSharing::read(TenantId tenant, const Uuid& delivery,
                                                        std::uint32_t version) {
  return std::make_unique<Beginnings>(pool_, tenant, delivery, version);
}

std::unique_ptr<RecipientChange> PostgresSharing::begin(TenantId tenant, const Uuid& delivery) {
  return std::make_unique<Change>(pool_, tenant, delivery);
}

std::optional<FileHeaders> PostgresSharing::former(TenantId tenant, const Uuid& file,
                                                   std::uint32_t version) {
  const pqxx::result found = pool_.ask(
      "SELECT h.header, h.index_header"
      "  FROM former_headers AS h"
      "  JOIN live_delivery AS d ON d.tenant_id = h.tenant_id AND d.id = h.delivery_id"
      " WHERE h.tenant_id = $1 AND h.file_id = $2 AND h.version = $3 AND d.state = 'closed'",
      tenant.uuid.text(), file.text(), version);
  if (found.empty()) return std::nullopt;
  FileHeaders headers{bytes_of(found[0][0]), std::nullopt};
  if (!found[0][1].is_null()) headers.index = bytes_of(found[0][1]);
  return headers;
}

std::vector<std::uint32_t> PostgresSharing::kept(TenantId tenant, const Uuid& delivery) {
  std::vector<std::uint32_t> versions;
  for (const pqxx::row& row :
       pool_.ask("SELECT v.version"
                 "  FROM former_version AS v"
                 "  JOIN live_delivery AS d ON d.tenant_id = v.tenant_id AND d.id = v.delivery_id"
                 " WHERE v.tenant_id = $1 AND v.delivery_id = $2"
                 " ORDER BY v.version",
                 tenant.uuid.text(), delivery.text())) {
    versions.push_back(row[0].as<std::uint32_t>());
  }
  return versions;
}

bool PostgresSharing::confirm(TenantId tenant, const Uuid& delivery, std::uint32_t version,
                              const AuditEvent& event) {
  return pool_.transact([&](pqxx::work& transaction, Connection&) {
    if (version > hold_closed(transaction, tenant, delivery)) {
      throw Error(ErrorCode::kConflict,
                  "the delivery hasn't come to this version: " + delivery.text());
    }
    const auto dropped = transaction.exec_params(
        "DELETE FROM former_version WHERE tenant_id = $1 AND delivery_id = $2 AND version < $3",
        tenant.uuid.text(), delivery.text(), version);
    if (dropped.affected_rows() == 0) return false;
    record(transaction, tenant, event);
    return true;
  });
}

}  // namespace letterbox::storage
