#include "storage/postgres_uploads.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "storage/lifetimes.h"
#include "storage/postgres_audit.h"
#include "storage/postgres_blobs.h"
#include "storage/postgres_deliveries.h"
#include "storage/postgres_staging.h"
#include "storage/postgres_values.h"
#include "storage/row_framing.h"
#include "storage/upload_step.h"

namespace letterbox::storage {

namespace {

constexpr const char* kCreate = R"SQL(
  INSERT INTO upload (tenant_id, id, delivery_id, sender_id, file_id, payload_id, device, length,
                      expires)
  SELECT d.tenant_id, $3, d.id, d.sender_id, $4, $5, $6, $7, to_timestamp($8::bigint)
    FROM delivery AS d
   WHERE d.tenant_id = $1 AND d.id = $2 AND NOT d.sealed_by_gateway
     AND NOT EXISTS (SELECT FROM file AS f WHERE f.tenant_id = $1 AND f.id = $4)
  ON CONFLICT DO NOTHING)SQL";

// Whoever begins uploads for the same sender waits, so that they don't pass by each other's.
constexpr const char* kHoldSender = R"SQL(
  SELECT p.id
    FROM principal AS p
    JOIN delivery AS d ON d.tenant_id = p.tenant_id AND d.sender_id = p.id
   WHERE d.tenant_id = $1 AND d.id = $2
     FOR NO KEY UPDATE OF p)SQL";

constexpr const char* kUnfinished = R"SQL(
  SELECT coalesce(sum(length), 0)::bigint
    FROM upload
   WHERE tenant_id = $1 AND sender_id = $2 AND payload_id IS NOT NULL)SQL";

// Staged by the upload, so no instance's sweep takes it.
constexpr const char* kAddPayload = R"SQL(
  INSERT INTO payload (tenant_id, id, staged_by) VALUES ($1, $2, $3))SQL";

constexpr const char* kFind = R"SQL(
  SELECT delivery_id, file_id, device, length, received, extract(epoch FROM expires)::bigint
    FROM upload
   WHERE tenant_id = $1 AND id = $2 AND expires > to_timestamp($3::bigint))SQL";

constexpr const char* kTakeOver = R"SQL(
  UPDATE upload SET writer = $3
   WHERE tenant_id = $1 AND id = $2
  RETURNING payload_id, header, nonce, rows, hash)SQL";

constexpr const char* kReadTail = R"SQL(
  SELECT content FROM upload_tail WHERE tenant_id = $1 AND upload_id = $2 ORDER BY begins)SQL";

constexpr const char* kAddToTail = R"SQL(
  INSERT INTO upload_tail (tenant_id, upload_id, begins, content) VALUES ($1, $2, $3, $4))SQL";

constexpr const char* kDropTail = R"SQL(
  DELETE FROM upload_tail WHERE tenant_id = $1 AND upload_id = $2)SQL";

// With so many pieces a tail is written as one: a request may bring a byte.
constexpr int kMostPieces = 64;

// The writer's alone until the transaction ends, if it is still the one.
constexpr const char* kStillOurs = R"SQL(
  SELECT FROM upload WHERE tenant_id = $1 AND id = $2 AND writer = $3 AND received = $4
     FOR UPDATE)SQL";

constexpr const char* kExists = R"SQL(
  SELECT FROM upload WHERE tenant_id = $1 AND id = $2)SQL";

constexpr const char* kAdvance = R"SQL(
  UPDATE upload
     SET received = $3, rows = $4, tail_size = $5, hash = $6, expires = to_timestamp($7::bigint)
   WHERE tenant_id = $1 AND id = $2)SQL";

// The same, with a head that came or is taken back.
constexpr const char* kAdvanceWithHead = R"SQL(
  UPDATE upload
     SET received = $3, rows = $4, tail_size = $5, hash = $6, expires = to_timestamp($7::bigint),
         header = nullif($8::bytea, ''), nonce = nullif($9::bytea, '')
   WHERE tenant_id = $1 AND id = $2)SQL";

constexpr const char* kDropRows = R"SQL(
  DELETE FROM payload_row WHERE tenant_id = $1 AND payload_id = $2 AND row_no >= $3)SQL";

constexpr const char* kComplete = R"SQL(
  UPDATE upload
     SET received = length, payload_id = NULL, header = NULL, nonce = NULL, rows = 0, tail_size = 0,
         hash = '', expires = to_timestamp($3::bigint)
   WHERE tenant_id = $1 AND id = $2)SQL";

[[noreturn]] void refuse_unknown(const Uuid& id) {
  throw Error(ErrorCode::kNotFound, "there is no such upload, or not any more: " + id.text());
}

// Lets go when it goes.
class Hold {
 public:
  Hold(UploadLocks& locks, const Uuid& upload) : locks_(&locks), upload_(upload) {}
  ~Hold() {
    if (locks_ != nullptr) locks_->release(upload_);
  }
  Hold(Hold&& other) noexcept
      : locks_(std::exchange(other.locks_, nullptr)), upload_(other.upload_) {}
  Hold& operator=(Hold&&) = delete;

 private:
  UploadLocks* locks_;
  const Uuid upload_;
};

class Writer final : public UploadWriter {
 public:
  /// Takes over from whoever wrote before. Throws Error kNotFound.
  Writer(Pool& pool, Hold hold, TenantId tenant, Upload upload)
      : pool_(pool), hold_(std::move(hold)), tenant_(tenant), upload_(std::move(upload)) {
    const Uuid& id = upload_.made.id;
    const auto results = pool_.run([&](Connection& connection) {
      BinaryResult taken = connection.execute(kTakeOver, {tenant_.uuid, id, writer_});
      return std::pair(std::move(taken), connection.execute(kReadTail, {tenant_.uuid, id}));
    });
    const BinaryResult& found = results.first;
    const BinaryResult& tail = results.second;
    if (found.rows() == 0) refuse_unknown(id);
    if (!found.is_null(0, 0)) payload_ = found.uuid(0, 0);
    const auto bytes = [&](int column) {
      const ByteView view = found.bytes(0, column);
      return Bytes(view.begin(), view.end());
    };
    if (!found.is_null(0, 1)) progress_.head = {bytes(1), found.array<16>(0, 2)};
    progress_.rows = found.number(0, 3);
    progress_.hash = bytes(4);
    for (pieces_ = 0; pieces_ < tail.rows(); ++pieces_) {
      const ByteView piece = tail.bytes(pieces_, 0);
      progress_.tail.insert(progress_.tail.end(), piece.begin(), piece.end());
    }
    // What was seen of it before may be older than the takeover.
    upload_.offset = payload_ ? offset_of(progress_) : upload_.made.length;
    found_ = progress_;
  }

  const Upload& upload() const noexcept override { return upload_; }
  const UploadProgress& progress() const noexcept override { return progress_; }

  void advance(const UploadStep& step, std::chrono::sys_seconds now) override {
    const std::uint64_t offset = offset_after(upload_, progress_, step, false);
    UploadProgress next = progress_after(progress_, step);
    pool_.transact([&](pqxx::work& transaction, Connection& connection) {
      require_ours(transaction);
      add_rows(connection, step);
      keep(transaction, connection, next, offset, now);
    });
    set(std::move(next), offset, now);
  }

  void complete(const UploadStep& step, const Digest& payload_sha256, std::chrono::sys_seconds now,
                const AuditEvent& event) override {
    const std::uint64_t length = offset_after(upload_, progress_, step, true);
    const UploadHead& head = step.head != nullptr ? *step.head : *progress_.head;
    const FileRecord file{upload_.made.file, upload_.made.delivery,       head.header,
                          head.nonce,        length - head.header.size(), payload_sha256};
    pool_.transact([&](pqxx::work& transaction, Connection& connection) {
      require_ours(transaction);
      // Before the upload lets it go, or it would be nobody's (migration 0005).
      if (!adopt(transaction, tenant_, payload_.value(), upload_.made.id)) {
        refuse_unknown(upload_.made.id);
      }
      add_rows(connection, step);
      transaction.exec_params(kComplete, tenant_.uuid.text(), upload_.made.id.text(),
                              seconds(now + kUploadKept));
      connection.execute(kDropTail, {tenant_.uuid, upload_.made.id});
      insert_file(transaction, tenant_, file, *payload_);
      record(transaction, tenant_, event);
    });
    set({}, length, now);
  }

  void rewind(std::chrono::sys_seconds now) override {
    require_incomplete(upload_);
    const std::uint64_t offset = offset_of(found_);
    pool_.transact([&](pqxx::work& transaction, Connection& connection) {
      require_ours(transaction);
      transaction.exec_params(kDropRows, tenant_.uuid.text(), payload_.value().text(), found_.rows);
      keep(transaction, connection, found_, offset, now);
    });
    set(found_, offset, now);
  }

 private:
  void keep(pqxx::work& transaction, Connection& connection, const UploadProgress& next,
            std::uint64_t offset, std::chrono::sys_seconds now) {
    const std::string tenant = tenant_.uuid.text();
    const std::string id = upload_.made.id.text();
    keep_tail(connection, next.tail);
    if (next.head.has_value() == progress_.head.has_value()) {
      transaction.exec_params(kAdvance, tenant, id, offset, next.rows, next.tail.size(),
                              binary(next.hash), seconds(now + kUploadKept));
      return;
    }
    const ByteView header = next.head ? ByteView(next.head->header) : ByteView();
    const ByteView nonce = next.head ? ByteView(next.head->nonce) : ByteView();
    transaction.exec_params(kAdvanceWithHead, tenant, id, offset, next.rows, next.tail.size(),
                            binary(next.hash), seconds(now + kUploadKept), binary(header),
                            binary(nonce));
  }

  // Adds what is new, or writes all of it if it begins otherwise or has too many pieces.
  void keep_tail(Connection& connection, ByteView tail) {
    const Uuid& id = upload_.made.id;
    const ByteView before = progress_.tail;
    const bool goes_on = tail.size() >= before.size() && pieces_ < kMostPieces &&
                         std::equal(before.begin(), before.end(), tail.begin());
    const std::size_t kept = goes_on ? before.size() : 0;
    if (!goes_on) connection.execute(kDropTail, {tenant_.uuid, id});
    next_pieces_ = goes_on ? pieces_ : 0;
    if (kept == tail.size()) return;
    connection.execute(kAddToTail,
                       {tenant_.uuid, id, static_cast<std::int32_t>(kept), tail.subspan(kept)});
    ++next_pieces_;
  }

  void set(UploadProgress next, std::uint64_t offset, std::chrono::sys_seconds now) {
    progress_ = std::move(next);
    pieces_ = next_pieces_;
    upload_.offset = offset;
    upload_.expires = now + kUploadKept;
  }

  // The delivery before the upload, as everybody locks them.
  void require_ours(pqxx::work& transaction) const {
    hold_open(transaction, tenant_, upload_.made.delivery);
    const std::string tenant = tenant_.uuid.text();
    const std::string id = upload_.made.id.text();
    if (!transaction.exec_params(kStillOurs, tenant, id, writer_.text(), upload_.offset).empty()) {
      return;
    }
    if (transaction.exec_params(kExists, tenant, id).empty()) refuse_unknown(upload_.made.id);
    throw Error(ErrorCode::kConflict, "another writer took the upload over: " + id);
  }

  void add_rows(Connection& connection, const UploadStep& step) const {
    std::size_t number = progress_.rows;
    for (const Ciphertext& row : step.rows) {
      add_row(connection, tenant_, *payload_, static_cast<std::int32_t>(number++), row);
    }
  }

  Pool& pool_;
  const Hold hold_;
  const TenantId tenant_;
  const Uuid writer_ = Uuid::v7();
  Upload upload_;
  UploadProgress progress_;
  UploadProgress found_;
  std::optional<Uuid> payload_;  // none once it is complete
  int pieces_ = 0;               // that the tail is kept in
  int next_pieces_ = 0;          // after the transaction that runs
};

void require_within(pqxx::work& transaction, TenantId tenant, const NewUpload& upload,
                    std::uint64_t most) {
  const pqxx::row sender =
      transaction.exec_params1(kHoldSender, tenant.uuid.text(), upload.delivery.text());
  const auto unfinished =
      transaction.exec_params1(kUnfinished, tenant.uuid.text(), sender[0].as<std::string>())[0]
          .as<std::uint64_t>();
  require_within(unfinished, upload, most);
}

}  // namespace

Upload PostgresUploads::create(TenantId tenant, const NewUpload& upload, std::uint64_t most,
                               std::chrono::sys_seconds now, const AuditEvent& event) {
  require_sound(upload);
  const Upload made{upload, 0, now + kUploadKept};
  const Uuid payload = Uuid::v7();
  pool_.transact([&](pqxx::work& transaction, Connection&) {
    hold_open(transaction, tenant, upload.delivery);
    require_within(transaction, tenant, upload, most);
    transaction.exec_params(kAddPayload, tenant.uuid.text(), payload.text(), upload.id.text());
    const auto created = transaction.exec_params(
        kCreate, tenant.uuid.text(), upload.delivery.text(), upload.id.text(), upload.file.text(),
        payload.text(), binary(upload.device), upload.length, seconds(made.expires));
    if (created.affected_rows() == 0) {
      throw Error(ErrorCode::kConflict,
                  "an upload or a file has this id already, or the delivery is sealed by the "
                  "gateway: " +
                      upload.file.text());
    }
    record(transaction, tenant, event);
  });
  return made;
}

std::optional<Upload> PostgresUploads::find(TenantId tenant, const Uuid& id,
                                            std::chrono::sys_seconds now) {
  const pqxx::result found = pool_.ask(kFind, tenant.uuid.text(), id.text(), seconds(now));
  if (found.empty()) return std::nullopt;
  const pqxx::row row = found[0];
  return Upload{
      {id, uuid_of(row[0]), uuid_of(row[1]), row[3].as<std::uint64_t>(), row[2].as<std::string>()},
      row[4].as<std::uint64_t>(),
      time_of(row[5])};
}

std::unique_ptr<UploadWriter> PostgresUploads::resume(TenantId tenant, const Uuid& id,
                                                      std::chrono::sys_seconds now) {
  std::optional<Upload> found = find(tenant, id, now);
  if (!found) refuse_unknown(id);
  if (!locks_.try_hold(id)) return nullptr;
  return std::make_unique<Writer>(pool_, Hold(locks_, id), tenant, *std::move(found));
}

bool PostgresUploads::terminate(TenantId tenant, const Uuid& id) {
  return pool_.transact([&](pqxx::work& transaction, Connection&) {
    return transaction
               .exec_params("DELETE FROM upload WHERE tenant_id = $1 AND id = $2",
                            tenant.uuid.text(), id.text())
               .affected_rows() > 0;
  });
}

}  // namespace letterbox::storage
