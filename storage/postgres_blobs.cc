#include "storage/postgres_blobs.h"

#include <algorithm>
#include <functional>
#include <future>
#include <limits>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "storage/postgres_audit.h"
#include "storage/postgres_deliveries.h"
#include "storage/postgres_file_page.h"
#include "storage/postgres_staging.h"
#include "storage/postgres_values.h"
#include "storage/row_framing.h"
#include "storage/study_check.h"

namespace letterbox::storage {

namespace {

// --- Staging ------------------------------------------------------------------------------------
//
// Each of these statements is a transaction of its own, and may run twice.
//
// Its COMMIT needn't wait for the disk: nothing is promised yet. What is promised later, is covered
// all the same: the last transaction's synchronous COMMIT flushes the write-ahead log up to itself,
// and these came before it. Should the server crash in between, their tail may be lost; that is why
// the last transaction counts the rows (`require_all_rows`).

constexpr const char* kStagePayload = R"SQL(
  WITH relaxed AS (SELECT set_config('synchronous_commit', 'off', true))
  INSERT INTO payload (tenant_id, id, staged_by)
  SELECT $1, $2, $3 FROM relaxed
  ON CONFLICT DO NOTHING)SQL";

constexpr const char* kStageRow = R"SQL(
  WITH relaxed AS (SELECT set_config('synchronous_commit', 'off', true))
  INSERT INTO payload_row (tenant_id, payload_id, row_no, content)
  SELECT $1, $2, $3, $4 FROM relaxed
  ON CONFLICT DO NOTHING)SQL";

// So many full rows that are staged by now; it may run twice.
constexpr const char* kReserve = R"SQL(
  WITH relaxed AS (SELECT set_config('synchronous_commit', 'off', true))
  UPDATE payload SET reserved = greatest(reserved, $4::int * 1048832::bigint) FROM relaxed
   WHERE tenant_id = $1 AND id = $2 AND staged_by = $3)SQL";

constexpr const char* kForeignKeyViolation = "23503";  // the payload isn't there any more

// --- The last transaction -----------------------------------------------------------------------

constexpr const char* kAddPayload = R"SQL(
  INSERT INTO payload (tenant_id, id) VALUES ($1, $2))SQL";

// octet_length of an uncompressed bytea is read from its pointer, not from the bytes.
constexpr const char* kCountRows = R"SQL(
  SELECT count(*) AS rows,
         coalesce(max(row_no) + 1, 0) AS upto,
         coalesce(sum(octet_length(content)), 0)::bigint AS bytes
    FROM payload_row
   WHERE tenant_id = $1 AND payload_id = $2)SQL";

constexpr const char* kAddFile = R"SQL(
  INSERT INTO file (tenant_id, id, delivery_id, payload_id, header, nonce, payload_length,
                    payload_sha256)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
  ON CONFLICT DO NOTHING)SQL";

// Hangs on the payload, whose id the file knows.
constexpr const char* kAddIndex = R"SQL(
  INSERT INTO sealed_index (tenant_id, payload_id, content) VALUES ($1, $2, $3))SQL";

constexpr const char* kKnowIndex = R"SQL(
  UPDATE file
     SET index_header = $3, index_nonce = $4, index_length = $5, index_sha256 = $6
   WHERE tenant_id = $1 AND id = $2)SQL";

// Those who bring an index for one file take turns.
constexpr const char* kFileToIndex = R"SQL(
  SELECT payload_id, index_header IS NOT NULL AS indexed
    FROM file
   WHERE tenant_id = $1 AND id = $2 AND delivery_id = $3
     FOR NO KEY UPDATE)SQL";

// --- Reading ------------------------------------------------------------------------------------

constexpr const char* kFindFile = R"SQL(
  SELECT f.delivery_id, f.header, f.nonce, f.payload_length, f.payload_sha256, d.version
    FROM file AS f
    JOIN live_delivery AS d ON d.tenant_id = f.tenant_id AND d.id = f.delivery_id
   WHERE f.tenant_id = $1 AND f.id = $2 AND d.state = 'closed')SQL";

// One row of the payload, or null in its place; no row at all if the file can't be seen.
constexpr const char* kReadRow = R"SQL(
  SELECT f.payload_length, r.content
    FROM file AS f
    JOIN live_delivery AS d ON d.tenant_id = f.tenant_id AND d.id = f.delivery_id
    LEFT JOIN payload_row AS r ON r.tenant_id = f.tenant_id AND r.payload_id = f.payload_id
                              AND r.row_no = $3
   WHERE f.tenant_id = $1 AND f.id = $2 AND d.state = 'closed')SQL";

// No row if the file can't be seen.
constexpr const char* kSeeFile = R"SQL(
  SELECT
    FROM file AS f
    JOIN live_delivery AS d ON d.tenant_id = f.tenant_id AND d.id = f.delivery_id
   WHERE f.tenant_id = $1 AND f.id = $2 AND d.state = 'closed')SQL";

// So many indexes a round trip: 2 MiB at most. Nulls if there is none; no row at all if the
// delivery can't be seen.
constexpr const char* kReadIndexes = R"SQL(
  SELECT f.id, f.index_header, f.index_nonce, i.content
    FROM live_delivery AS d
    LEFT JOIN (file AS f
               JOIN sealed_index AS i ON i.tenant_id = f.tenant_id AND i.payload_id = f.payload_id)
           ON f.tenant_id = d.tenant_id AND f.delivery_id = d.id AND f.id > $3
   WHERE d.tenant_id = $1 AND d.id = $2 AND d.state = 'closed'
   ORDER BY f.id
   LIMIT 32)SQL";

// --- Removing -----------------------------------------------------------------------------------

// Whoever closes its delivery, or changes the recipients, is waited for, or waits: they count
// files.
constexpr const char* kHoldDeliveryOf = R"SQL(
  SELECT
    FROM delivery
   WHERE tenant_id = $1
     AND id = (SELECT delivery_id FROM file WHERE tenant_id = $1 AND id = $2)
     FOR SHARE)SQL";

// Leaves its sealed bytes to the sweep (migration 0005).
constexpr const char* kRemoveFile = R"SQL(
  DELETE FROM file WHERE tenant_id = $1 AND id = $2)SQL";

constexpr const char* kUsed = R"SQL(
  SELECT coalesce(sum(bytes), 0)::bigint FROM tenant_usage WHERE tenant_id = $1)SQL";

// --- Sweeping -----------------------------------------------------------------------------------

constexpr const char* kSweepRows = R"SQL(
  DELETE FROM payload_row AS r USING payload AS p
   WHERE p.tenant_id = r.tenant_id AND p.id = r.payload_id AND p.staged_by = $1)SQL";

constexpr const char* kSweepPayloads = R"SQL(
  DELETE FROM payload WHERE staged_by = $1)SQL";

void add_index(pqxx::work& transaction, Connection& connection, TenantId tenant, const Uuid& file,
               const Uuid& payload, const SealedIndex& index) {
  connection.execute(kAddIndex, {tenant.uuid, payload, index.payload.row.view()});
  transaction.exec_params(kKnowIndex, tenant.uuid.text(), file.text(), binary(index.header),
                          binary(index.payload.nonce), length_of(index.payload),
                          binary(index.payload.sha256));
}

class Writer final : public BlobWriter {
 public:
  Writer(Pool& pool, const Uuid& instance, TenantId tenant, const Uuid& file)
      : pool_(pool), instance_(instance), tenant_(tenant), file_(file), payload_(Uuid::v7()) {}

  ~Writer() override {
    if (!begun_ || committed_) return;
    try {
      drop_staged(pool_, tenant_, instance_, {payload_});
    } catch (const Error& error) {
      log::error("staged rows left to the next sweep", error);
    }
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void append(const Ciphertext& row) override {
    require_unfinished();
    RowFraming extended = framing_;
    extended.add(row);
    // The newest row waits here, so that a file of one row, which most are, is stored by one
    // transaction; and any file needs one transaction less.
    if (held_) stage(*held_);
    held_ = row;
    framing_ = extended;
  }

  void commit(const FileRecord& file, const SealedIndex* index, const AuditEvent& event) override {
    finish(file, index, [&](pqxx::work& transaction, Connection& connection) {
      hold_open(transaction, tenant_, file.delivery);
      put(file, index, transaction, connection);
      record(transaction, tenant_, event);
    });
  }

  void commit_as_delivery(const FileRecord& file, const SealedIndex* index,
                          const NewDelivery& delivery, const std::string& manifest,
                          const AuditEvent& event) override {
    require_sound(delivery);
    if (file.delivery != delivery.id) {
      throw Error(ErrorCode::kInternal, "the file names another delivery than the one to make");
    }
    finish(file, index, [&](pqxx::work& transaction, Connection& connection) {
      insert_closed_delivery(transaction, tenant_, delivery, manifest);
      put(file, index, transaction, connection);
      record(transaction, tenant_, event);
    });
  }

 private:
  void require_unfinished() const {
    if (committed_) throw Error(ErrorCode::kInternal, "the file is committed already");
  }

  void stage(const Ciphertext& row) {
    const auto number = static_cast<std::int32_t>(staged_);
    begun_ = true;
    pool_.run([&](Connection& connection) {
      if (number == 0) connection.execute(kStagePayload, {tenant_.uuid, payload_, instance_});
      try {
        connection.execute(kStageRow, {tenant_.uuid, payload_, number, row.view()});
      } catch (const pqxx::sql_error& error) {
        if (error.sqlstate() == kForeignKeyViolation) throw_lost();
        throw;
      }
    });
    ++staged_;
    if (staged_ % kRowsUnreserved == 0) reserve();
  }

  void reserve() {
    pool_.run([&](Connection& connection) {
      connection.execute(kReserve,
                         {tenant_.uuid, payload_, instance_, static_cast<std::int32_t>(staged_)});
    });
  }

  template <typename Work>
  void finish(const FileRecord& file, const SealedIndex* index, Work&& work) {
    require_unfinished();
    framing_.require(file, file_);
    if (index != nullptr) require_sound(*index);
    pool_.transact(work);
    committed_ = true;
    held_.reset();
  }

  // The file with its payload: the rows that were staged, and the one held back.
  void put(const FileRecord& file, const SealedIndex* index, pqxx::work& transaction,
           Connection& connection) {
    if (!begun_) {
      connection.execute(kAddPayload, {tenant_.uuid, payload_});
    } else if (!adopt(transaction, tenant_, payload_, instance_)) {
      throw_lost();
    }
    add_row(connection, tenant_, payload_, static_cast<std::int32_t>(staged_), *held_);
    if (begun_) require_all_rows(transaction);

    insert_file(transaction, tenant_, file, payload_);
    if (index != nullptr) add_index(transaction, connection, tenant_, file.id, payload_, *index);
  }

  void require_all_rows(pqxx::work& transaction) const {
    const pqxx::row found =
        transaction.exec_params1(kCountRows, tenant_.uuid.text(), payload_.text());
    if (found["rows"].as<std::size_t>() != framing_.rows() ||
        found["upto"].as<std::size_t>() != framing_.rows() ||
        found["bytes"].as<std::uint64_t>() != framing_.bytes()) {
      throw_lost();
    }
  }

  [[noreturn]] void throw_lost() const {
    throw Error(ErrorCode::kUnavailable,
                "rows that were staged are gone (the database crashed, or another program swept "
                "as this instance); the file must be sent again: " +
                    file_.text());
  }

  Pool& pool_;
  const Uuid instance_;
  const TenantId tenant_;
  const Uuid file_;
  const Uuid payload_;
  RowFraming framing_;
  std::optional<Ciphertext> held_;
  std::size_t staged_ = 0;  // rows in the database
  bool begun_ = false;      // the database may hold something of this
  bool committed_ = false;
};

// From the second row on, the next one is fetched while this one is looked at: whoever asked for
// two wants more, and somebody else's slowness then costs no more than one row of memory.
class Reader final : public Source {
 public:
  Reader(Pool& pool, TenantId tenant, const Uuid& file, std::size_t first)
      : pool_(pool),
        tenant_(tenant),
        file_(file),
        next_row_(static_cast<std::int32_t>(
            std::min<std::size_t>(first, std::numeric_limits<std::int32_t>::max()))),
        passed_(std::uint64_t{kFullRow} * first) {}

  ByteView next() override {
    if (length_ && passed_ >= *length_) return {};
    const bool second_or_later = piece_.has_value();
    piece_ = ahead_.valid() ? fetched_ahead() : fetch(next_row_);
    if (piece_->rows() == 0) throw_gone();
    length_ = piece_->number(0, 0) - kNonceSize;
    if (passed_ >= *length_) return {};
    const ByteView row = piece_->bytes(0, 1);
    if (row.empty() || row.size() > *length_ - passed_) {
      throw Error(ErrorCode::kIntegrity, "row " + std::to_string(next_row_) +
                                             " is missing or misplaced in " + file_.text());
    }
    ++next_row_;
    passed_ += row.size();
    if (second_or_later && passed_ < *length_) {
      ahead_ = std::async(std::launch::async, [this, number = next_row_] { return fetch(number); });
    }
    return row;
  }

 private:
  BinaryResult fetch(std::int32_t number) const {
    return pool_.run([&](Connection& connection) {
      return connection.execute(kReadRow, {tenant_.uuid, file_, number});
    });
  }

  // What could be seen a while ago isn't given out once it can't.
  BinaryResult fetched_ahead() {
    BinaryResult row = ahead_.get();
    const BinaryResult seen = pool_.run([&](Connection& connection) {
      return connection.execute(kSeeFile, {tenant_.uuid, file_});
    });
    if (seen.rows() == 0) throw_gone();
    return row;
  }

  [[noreturn]] void throw_gone() const {
    throw Error(ErrorCode::kNotFound, "there is no such file any more: " + file_.text());
  }

  Pool& pool_;
  const TenantId tenant_;
  const Uuid file_;
  std::int32_t next_row_;
  std::uint64_t passed_;                 // of all rows, skipped or given out
  std::optional<std::uint64_t> length_;  // of all rows; known with the first
  std::optional<BinaryResult> piece_;    // what the view given out last looks at
  std::future<BinaryResult> ahead_;      // the next row, if it is on its way
};

class Indexes final : public IndexReader {
 public:
  Indexes(Pool& pool, TenantId tenant, const Uuid& delivery)
      : pool_(pool), tenant_(tenant), delivery_(delivery) {}

  std::optional<StoredIndex> next() override {
    if (!page_ || row_ == page_->rows()) {
      page_ = pool_.run([&](Connection& connection) {
        return connection.execute(kReadIndexes, {tenant_.uuid, delivery_, last_});
      });
      row_ = 0;
    }
    if (page_->rows() == 0) {
      throw Error(ErrorCode::kNotFound, "there is no such delivery any more: " + delivery_.text());
    }
    if (page_->is_null(row_, 0)) return std::nullopt;
    last_ = page_->uuid(row_, 0);
    const StoredIndex index{last_, page_->bytes(row_, 1), page_->array<16>(row_, 2),
                            page_->bytes(row_, 3)};
    ++row_;
    return index;
  }

 private:
  Pool& pool_;
  const TenantId tenant_;
  const Uuid delivery_;
  Uuid last_;                         // nil, which is smaller than any, before the first
  std::optional<BinaryResult> page_;  // what the views given out last look at
  int row_ = 0;                       // of the page, the next one
};

}  // namespace

void insert_file(pqxx::work& transaction, TenantId tenant, const FileRecord& file,
                 const Uuid& payload) {
  const auto added = transaction.exec_params(
      kAddFile, tenant.uuid.text(), file.id.text(), file.delivery.text(), payload.text(),
      binary(file.header), binary(file.nonce), file.payload_length, binary(file.payload_sha256));
  if (added.affected_rows() == 0) {
    throw Error(ErrorCode::kConflict, "a file has this id already: " + file.id.text());
  }
}

std::unique_ptr<BlobWriter> PostgresBlobs::begin(TenantId tenant, const Uuid& id) {
  return std::make_unique<Writer>(pool_, instance_, tenant, id);
}

std::optional<FileRecord> PostgresBlobs::find(TenantId tenant, const Uuid& id) {
  const BinaryResult found = pool_.run([&](Connection& connection) {
    return connection.execute(kFindFile, {tenant.uuid, id});
  });
  if (found.rows() == 0) return std::nullopt;
  const ByteView header = found.bytes(0, 1);
  return FileRecord{id,
                    found.uuid(0, 0),
                    {header.begin(), header.end()},
                    found.array<16>(0, 2),
                    found.number(0, 3),
                    found.array<32>(0, 4),
                    static_cast<std::uint32_t>(found.number(0, 5))};
}

std::unique_ptr<Source> PostgresBlobs::read(TenantId tenant, const Uuid& id, std::size_t first) {
  return std::make_unique<Reader>(pool_, tenant, id, first);
}

FilePage PostgresBlobs::read_files(TenantId tenant, const Uuid& delivery, const Uuid& after,
                                   std::uint64_t up_to) {
  return read_file_page(pool_, tenant, delivery, after, up_to);
}

void PostgresBlobs::put_index(TenantId tenant, const Uuid& delivery, const Uuid& file,
                              const SealedIndex& index, const AuditEvent& event) {
  require_sound(index);
  pool_.transact([&](pqxx::work& transaction, Connection& connection) {
    hold_open(transaction, tenant, delivery);
    const pqxx::result found =
        transaction.exec_params(kFileToIndex, tenant.uuid.text(), file.text(), delivery.text());
    if (found.empty()) {
      throw Error(ErrorCode::kNotFound, "the delivery has no such file: " + file.text());
    }
    if (found[0]["indexed"].as<bool>()) {
      throw Error(ErrorCode::kConflict, "the file has an index already: " + file.text());
    }
    add_index(transaction, connection, tenant, file, uuid_of(found[0]["payload_id"]), index);
    record(transaction, tenant, event);
  });
}

std::unique_ptr<IndexReader> PostgresBlobs::read_indexes(TenantId tenant, const Uuid& delivery) {
  return std::make_unique<Indexes>(pool_, tenant, delivery);
}

bool PostgresBlobs::remove(TenantId tenant, const Uuid& id, const AuditEvent& event) {
  return pool_.transact([&](pqxx::work& transaction, Connection&) {
    transaction.exec_params(kHoldDeliveryOf, tenant.uuid.text(), id.text());
    const auto removed = transaction.exec_params(kRemoveFile, tenant.uuid.text(), id.text());
    if (removed.affected_rows() == 0) return false;
    record(transaction, tenant, event);
    return true;
  });
}

std::uint64_t PostgresBlobs::used(TenantId tenant) {
  return pool_.ask(kUsed, tenant.uuid.text())[0][0].as<std::uint64_t>();
}

Swept PostgresBlobs::sweep() {
  return pool_.transact([&](pqxx::work& transaction, Connection&) {
    // Hours of uploads may lie there.
    transaction.exec("SET LOCAL statement_timeout = 0");
    Swept swept;
    swept.rows = transaction.exec_params(kSweepRows, instance_.text()).affected_rows();
    swept.files = transaction.exec_params(kSweepPayloads, instance_.text()).affected_rows();
    return swept;
  });
}

}  // namespace letterbox::storage
