#include "storage/postgres_uploads.h"

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
  INSERT INTO upload (tenant_id, id, delivery_id, file_id, payload_id, device, length, expires)
  SELECT d.tenant_id, $3, d.id, $4, $5, $6, $7, to_timestamp($8::bigint)
    FROM delivery AS d
   WHERE d.tenant_id = $1 AND d.id = $2 AND NOT d.sealed_by_gateway
     AND NOT EXISTS (SELECT FROM file AS f WHERE f.tenant_id = $1 AND f.id = $4)
  ON CONFLICT DO NOTHING)SQL";

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
  RETURNING payload_id, header, nonce, rows, tail, hash)SQL";

// The writer's alone until the transaction ends, if it is still the one.
constexpr const char* kStillOurs = R"SQL(
  SELECT FROM upload WHERE tenant_id = $1 AND id = $2 AND writer = $3 AND received = $4
     FOR UPDATE)SQL";

constexpr const char* kExists = R"SQL(
  SELECT FROM upload WHERE tenant_id = $1 AND id = $2)SQL";

constexpr const char* kAdvance = R"SQL(
  UPDATE upload
     SET received = $3, header = nullif($4::bytea, ''), nonce = nullif($5::bytea, ''), rows = $6,
         tail = $7, hash = $8, expires = to_timestamp($9::bigint)
   WHERE tenant_id = $1 AND id = $2)SQL";

constexpr const char* kDropRows = R"SQL(
  DELETE FROM payload_row WHERE tenant_id = $1 AND payload_id = $2 AND row_no >= $3)SQL";

constexpr const char* kAdoptPayload = R"SQL(
  UPDATE payload SET staged_by = NULL
   WHERE tenant_id = $1 AND id = $2 AND staged_by = $3)SQL";

constexpr const char* kComplete = R"SQL(
  UPDATE upload
     SET received = length, payload_id = NULL, header = NULL, nonce = NULL, rows = 0, tail = '',
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
    const BinaryResult found = pool_.run([&](Connection& connection) {
      return connection.execute(kTakeOver, {tenant_.uuid, id, writer_});
    });
    if (found.rows() == 0) refuse_unknown(id);
    if (!found.is_null(0, 0)) payload_ = found.uuid(0, 0);
    const auto bytes = [&](int column) {
      const ByteView view = found.bytes(0, column);
      return Bytes(view.begin(), view.end());
    };
    if (!found.is_null(0, 1)) progress_.head = {bytes(1), found.array<16>(0, 2)};
    progress_.rows = found.number(0, 3);
    progress_.tail = bytes(4);
    progress_.hash = bytes(5);
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
      keep(transaction, next, offset, now);
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
      const auto adopted = transaction.exec_params(kAdoptPayload, tenant_.uuid.text(),
                                                   payload_.value().text(), upload_.made.id.text());
      if (adopted.affected_rows() != 1) refuse_unknown(upload_.made.id);
      add_rows(connection, step);
      transaction.exec_params(kComplete, tenant_.uuid.text(), upload_.made.id.text(),
                              seconds(now + kUploadKept));
      insert_file(transaction, tenant_, file, *payload_);
      record(transaction, tenant_, event);
    });
    set({}, length, now);
  }

  void rewind(std::chrono::sys_seconds now) override {
    require_incomplete(upload_);
    const std::uint64_t offset = offset_of(found_);
    pool_.transact([&](pqxx::work& transaction, Connection&) {
      require_ours(transaction);
      transaction.exec_params(kDropRows, tenant_.uuid.text(), payload_.value().text(), found_.rows);
      keep(transaction, found_, offset, now);
    });
    set(found_, offset, now);
  }

 private:
  // The header is written again with each step, which is a small part of what a step brings.
  void keep(pqxx::work& transaction, const UploadProgress& next, std::uint64_t offset,
            std::chrono::sys_seconds now) const {
    const ByteView header = next.head ? ByteView(next.head->header) : ByteView();
    const ByteView nonce = next.head ? ByteView(next.head->nonce) : ByteView();
    transaction.exec_params(kAdvance, tenant_.uuid.text(), upload_.made.id.text(), offset,
                            binary(header), binary(nonce), next.rows, binary(next.tail),
                            binary(next.hash), seconds(now + kUploadKept));
  }

  void set(UploadProgress next, std::uint64_t offset, std::chrono::sys_seconds now) {
    progress_ = std::move(next);
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
};

}  // namespace

Upload PostgresUploads::create(TenantId tenant, const NewUpload& upload,
                               std::chrono::sys_seconds now) {
  require_sound(upload);
  const Upload made{upload, 0, now + kUploadKept};
  const Uuid payload = Uuid::v7();
  pool_.transact([&](pqxx::work& transaction, Connection&) {
    hold_open(transaction, tenant, upload.delivery);
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
