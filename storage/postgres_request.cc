#include "storage/postgres_request.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "storage/postgres_audit.h"
#include "storage/postgres_deliveries.h"
#include "storage/postgres_staging.h"
#include "storage/postgres_values.h"
#include "storage/study_check.h"

namespace letterbox::storage {

namespace {

// So much is stored in one round trip. A request of less goes in by its last transaction alone. At
// most twice as much is in memory: one batch that is being stored, and one that is being filled.
constexpr std::size_t kBatch = std::size_t{2} * 1024 * 1024;

// --- Staging ------------------------------------------------------------------------------------
//
// As in postgres_blobs.cc: a batch is a transaction of its own, doesn't wait for the disk, and may
// run twice; the last transaction counts what is there. Outside of staging, the same statements add
// what isn't staged.

constexpr const char* kStagePayloads = R"SQL(
  INSERT INTO payload (tenant_id, id, staged_by, reserved)
  SELECT $1, p.id, $3, p.bytes FROM unnest($2::uuid[], $4::bigint[]) AS p (id, bytes)
  ON CONFLICT DO NOTHING)SQL";

// Of those that came with an earlier batch: what is staged of them by now.
constexpr const char* kReserve = R"SQL(
  UPDATE payload AS p SET reserved = greatest(p.reserved, s.bytes)
    FROM unnest($2::uuid[], $4::bigint[]) AS s (id, bytes)
   WHERE p.tenant_id = $1 AND p.id = s.id AND p.staged_by = $3)SQL";

constexpr const char* kStageRow = R"SQL(
  INSERT INTO payload_row (tenant_id, payload_id, row_no, content) VALUES ($1, $2, $3, $4)
  ON CONFLICT DO NOTHING)SQL";

constexpr const char* kStageIndex = R"SQL(
  INSERT INTO sealed_index (tenant_id, payload_id, content) VALUES ($1, $2, $3)
  ON CONFLICT DO NOTHING)SQL";

constexpr const char* kForeignKeyViolation = "23503";  // a payload isn't there any more

// --- The last transaction -----------------------------------------------------------------------

constexpr const char* kAddPayloads = R"SQL(
  INSERT INTO payload (tenant_id, id) SELECT $1, id FROM unnest($2::uuid[]) AS id)SQL";

constexpr const char* kAdoptPayloads = R"SQL(
  UPDATE payload SET staged_by = NULL, reserved = 0
   WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) AND staged_by = $3)SQL";

// octet_length of an uncompressed bytea is read from its pointer, not from the bytes.
constexpr const char* kCountRows = R"SQL(
  SELECT count(*), coalesce(sum(octet_length(content)), 0)::bigint
    FROM payload_row
   WHERE tenant_id = $1 AND payload_id = ANY ($2::uuid[]))SQL";

constexpr const char* kCountIndexes = R"SQL(
  SELECT count(*) FROM sealed_index WHERE tenant_id = $1 AND payload_id = ANY ($2::uuid[]))SQL";

// An instance that the delivery has already is no error, nor is a delivery that there isn't: the
// study moved.
constexpr const char* kAddFiles = R"SQL(
  INSERT INTO file (tenant_id, id, delivery_id, payload_id, header, nonce, payload_length,
                    payload_sha256, index_header, index_nonce, index_length, index_sha256, instance_mac,
                    content_mac)
  SELECT $1, f.*
    FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::bytea[], $6::bytea[], $7::bigint[],
                $8::bytea[], $9::bytea[], $10::bytea[], $11::int[], $12::bytea[], $13::bytea[],
                $14::bytea[]) AS f (id, delivery_id)
    JOIN delivery AS d ON d.tenant_id = $1 AND d.id = f.delivery_id
  ON CONFLICT (tenant_id, instance_mac, delivery_id) WHERE instance_mac IS NOT NULL DO NOTHING)SQL";

// --- The study's delivery -----------------------------------------------------------------------

// Many share it while they join; nobody closes it, or puts another in its place, meanwhile.
constexpr const char* kJoin = R"SQL(
  SELECT FROM live_delivery WHERE tenant_id = $1 AND id = $2 AND study_mac = $3 AND joinable
     FOR SHARE)SQL";

// Alone, so that what is counted next stays true.
constexpr const char* kJoinAlone = R"SQL(
  SELECT FROM live_delivery WHERE tenant_id = $1 AND id = $2 AND study_mac = $3 AND joinable
     FOR NO KEY UPDATE)SQL";

constexpr const char* kCountFiles = R"SQL(
  SELECT count(*) FROM file WHERE tenant_id = $1 AND delivery_id = $2)SQL";

// The one that is continued; and one that expired before anybody closed it.
constexpr const char* kEndJoining = R"SQL(
  UPDATE delivery SET joinable = false
   WHERE tenant_id = $1 AND study_mac = $2 AND joinable AND (id = $3 OR expires <= now()))SQL";

// Another one that is joinable is no error, but a taken id is.
constexpr const char* kOpenStudy = R"SQL(
  INSERT INTO delivery (tenant_id, id, sender_id, sealed_by_gateway, created, expires, study_mac,
                        mailbox, closes_after, joinable, downloads)
  VALUES ($1, $2, $3, $4, to_timestamp($5::bigint), to_timestamp($6::bigint), $7, $8, $9::int,
          $9::int > 0, $10)
  ON CONFLICT (tenant_id, study_mac) WHERE joinable DO NOTHING)SQL";

void require(bool in_order) {
  if (!in_order) throw Error(ErrorCode::kInternal, "a request's calls come in another order");
}

[[noreturn]] void throw_lost() {
  throw Error(ErrorCode::kUnavailable,
              "rows that were staged are gone (the database crashed, or another program swept as "
              "this instance); the request must be sent again");
}

template <typename Uuids>
ArrayParameter array_of_uuids(const Uuids& uuids) {
  ArrayParameter array(ArrayParameter::Element::kUuid, uuids.size());
  for (const Uuid& uuid : uuids) array.add(uuid);
  return array;
}

Uuid delivery_of(const StudyCommit& study) {
  if (const Uuid* const joined = std::get_if<Uuid>(&study.into)) return *joined;
  return std::get<NewStudy>(study.into).delivery.id;
}

// Whoever needs the locks of two studies takes them in the same order as everybody.
std::vector<const StudyCommit*> in_order(const std::vector<StudyCommit>& studies) {
  std::vector<const StudyCommit*> sorted;
  for (const StudyCommit& study : studies) sorted.push_back(&study);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto* a, const auto* b) { return a->study < b->study; });
  return sorted;
}

}  // namespace

// --- Staging ------------------------------------------------------------------------------------

void PostgresRequest::Batch::forget(const Uuid& payload) {
  std::erase(payloads, payload);
  std::erase_if(rows, [&](const Row& row) {
    if (row.payload != payload) return false;
    bytes -= row.content.size();
    return true;
  });
}

PostgresRequest::~PostgresRequest() {
  try {
    // What is staged last would come after it was dropped.
    if (staging_.valid()) staging_.wait();
    std::vector<Uuid> payloads;
    for (const auto& [payload, bytes] : staged_) payloads.push_back(payload);
    drop_staged(pool_, tenant_, instance_, payloads);
  } catch (const Error& error) {
    log::error("staged rows left to the next sweep", error);
  }
}

void PostgresRequest::begin_file(const Uuid& id) {
  require(!current_ && !committed_ && !ended_.contains(id));
  current_ = Current{id, Uuid::v7(), {}};
}

void PostgresRequest::append(Ciphertext row) {
  require(current_.has_value());
  current_->framing.add(row);
  const auto number = static_cast<std::int32_t>(current_->framing.rows() - 1);
  if (number == 0) batch_.payloads.push_back(current_->payload);
  batch_.bytes += row.size();
  batch_.rows.push_back({current_->payload, number, std::move(row)});
  stage_if_full();
}

void PostgresRequest::end_file(const std::array<Byte, 16>& nonce, const Digest& payload_sha256,
                               IndexPayload index) {
  require(current_ && current_->framing.rows() > 0);
  require_sound(index);
  ended_.emplace(current_->id,
                 Ended{current_->payload, current_->framing.rows(), current_->framing.bytes(),
                       nonce, payload_sha256, index.nonce, index.row.size(), index.sha256});
  batch_.bytes += index.row.size();
  batch_.indexes.push_back({current_->payload, std::move(index.row)});
  current_.reset();
  stage_if_full();
}

void PostgresRequest::drop_file() {
  require(current_.has_value());
  batch_.forget(current_->payload);
  current_.reset();
}

void PostgresRequest::stage_if_full() {
  if (batch_.bytes < kBatch) return;
  await_staging();
  const auto add = [this](const Uuid& payload, const Ciphertext& content) {
    batch_.staged[payload] = staged_[payload] += static_cast<std::int64_t>(content.size());
  };
  for (const Row& row : batch_.rows) add(row.payload, row.content);
  for (const Index& index : batch_.indexes) add(index.payload, index.content);
  staging_ = std::async([this, batch = std::exchange(batch_, {})] { stage(batch); });
}

void PostgresRequest::await_staging() {
  if (staging_.valid()) staging_.get();
}

Statement PostgresRequest::row_statement(const TenantId& tenant, const Row& row) {
  return {kStageRow, {tenant.uuid, row.payload, row.number, row.content.view()}};
}

Statement PostgresRequest::index_statement(const TenantId& tenant, const Index& index) {
  return {kStageIndex, {tenant.uuid, index.payload, index.content.view()}};
}

void PostgresRequest::stage(const Batch& batch) const {
  std::vector<Uuid> older;
  for (const auto& [payload, bytes] : batch.staged) {
    if (std::find(batch.payloads.begin(), batch.payloads.end(), payload) == batch.payloads.end()) {
      older.push_back(payload);
    }
  }
  const auto staged_of = [&](const std::vector<Uuid>& payloads) {
    ArrayParameter staged(ArrayParameter::Element::kInt8, payloads.size());
    for (const Uuid& payload : payloads) staged.add(batch.staged.at(payload));
    return staged;
  };
  const ArrayParameter payloads = array_of_uuids(batch.payloads);
  const ArrayParameter reserved = staged_of(batch.payloads);
  const ArrayParameter older_payloads = array_of_uuids(older);
  const ArrayParameter older_reserved = staged_of(older);
  std::vector<Statement> statements = {
      {kDoNotWait, {}},
      {kStagePayloads, {tenant_.uuid, payloads, instance_, reserved}},
      {kReserve, {tenant_.uuid, older_payloads, instance_, older_reserved}}};
  for (const Row& row : batch.rows) {
    statements.push_back({kStageRow, {tenant_.uuid, row.payload, row.number, row.content.view()}});
  }
  for (const Index& index : batch.indexes) {
    statements.push_back({kStageIndex, {tenant_.uuid, index.payload, index.content.view()}});
  }
  pool_.run([&](Connection& connection) {
    try {
      connection.execute_all(statements);
    } catch (const pqxx::sql_error& error) {
      if (error.sqlstate() == kForeignKeyViolation) throw_lost();
      throw;
    }
  });
}

// --- The last transaction -----------------------------------------------------------------------

namespace {

// Statements for one round trip, each with what its result must be.
class Steps {
 public:
  using Check = std::function<void(const BinaryResult&)>;

  void add(Statement statement, Check check = nullptr) {
    statements_.push_back(std::move(statement));
    checks_.push_back(std::move(check));
  }
  void append(const Steps& others) {
    statements_.insert(statements_.end(), others.statements_.begin(), others.statements_.end());
    checks_.insert(checks_.end(), others.checks_.begin(), others.checks_.end());
  }
  /// Throws what the first check that fails throws.
  void run(Connection& connection) const {
    if (statements_.empty()) return;
    const auto results = connection.execute_all(statements_);
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (checks_[i]) checks_[i](results[i]);
    }
  }

 private:
  std::vector<Statement> statements_;
  std::vector<Check> checks_;
};

// The columns of kAddFiles.
struct FileColumns {
  using Element = ArrayParameter::Element;
  explicit FileColumns(std::size_t count) : files(count) {}

  Statement statement(const TenantId& tenant) const {
    return {kAddFiles,
            {tenant.uuid, ids, deliveries, payloads, headers, nonces, lengths, digests,
             index_headers, index_nonces, index_lengths, index_digests, instances, contents}};
  }

  std::size_t files;
  ArrayParameter ids{Element::kUuid, files};
  ArrayParameter deliveries{Element::kUuid, files};
  ArrayParameter payloads{Element::kUuid, files};
  ArrayParameter headers{Element::kBytea, files};
  ArrayParameter nonces{Element::kBytea, files};
  ArrayParameter lengths{Element::kInt8, files};
  ArrayParameter digests{Element::kBytea, files};
  ArrayParameter index_headers{Element::kBytea, files};
  ArrayParameter index_nonces{Element::kBytea, files};
  ArrayParameter index_lengths{Element::kInt4, files};
  ArrayParameter index_digests{Element::kBytea, files};
  ArrayParameter instances{Element::kBytea, files};
  ArrayParameter contents{Element::kBytea, files};
};

std::size_t count_files(const std::vector<StudyCommit>& studies) {
  std::size_t count = 0;
  for (const StudyCommit& study : studies) count += study.files.size();
  return count;
}

}  // namespace

// Whatever needn't be known before goes to the server in one round trip, and is checked then.
class PostgresRequest::LastTransaction {
 public:
  /// All three must outlive it.
  LastTransaction(const PostgresRequest& request, const std::vector<StudyCommit>& studies,
                  const AuditEvent& event)
      : request_(request),
        tenant_(request.tenant_),
        studies_(in_order(studies)),
        files_(count_files(studies)),
        record_(tenant_, event) {
    for (const StudyCommit* study : studies_) {
      for (const PlacedFile& file : study->files) place(file, delivery_of(*study));
      if (const Uuid* const joined = std::get_if<Uuid>(&study->into)) join(*study, *joined);
    }
    add_payloads();
    adding_.add(files_.statement(tenant_), [this](const BinaryResult& added) {
      if (added.affected() != files_.files) throw Moved();
    });
    adding_.add(record_.statement());
  }
  LastTransaction(const LastTransaction&) = delete;
  LastTransaction& operator=(const LastTransaction&) = delete;

  /// Of files that are stored now.
  const std::set<Uuid>& payloads() const noexcept { return payloads_; }

  /// Throws Moved. Everybody locks what they join before what they open, and each in the order of
  /// studies, so that nobody waits in a circle.
  void run(pqxx::work& transaction, Connection& connection) const {
    Steps last;
    if (std::all_of(studies_.begin(), studies_.end(), [](const StudyCommit* study) {
          return std::holds_alternative<Uuid>(study->into);
        })) {
      last = joining_;
    } else {
      joining_.run(connection);
      for (const StudyCommit* study : studies_) open(*study, transaction);
    }
    last.append(adding_);
    try {
      last.run(connection);
    } catch (const pqxx::sql_error& error) {
      if (error.sqlstate() == kForeignKeyViolation) throw_lost();
      throw;
    }
  }

 private:
  void place(const PlacedFile& file, const Uuid& delivery) {
    const auto found = request_.ended_.find(file.id);
    require(found != request_.ended_.end());
    const Ended& ended = found->second;
    payloads_.insert(ended.payload);
    if (request_.staged_.contains(ended.payload)) {
      staged_.insert(ended.payload);
      staged_rows_ += ended.rows;
      staged_bytes_ += ended.bytes;
    }
    files_.ids.add(file.id);
    files_.deliveries.add(delivery);
    files_.payloads.add(ended.payload);
    files_.headers.add(file.header);
    files_.nonces.add(ended.nonce);
    files_.lengths.add(static_cast<std::int64_t>(kNonceSize + ended.bytes));
    files_.digests.add(ended.sha256);
    files_.index_headers.add(file.index_header);
    files_.index_nonces.add(ended.index_nonce);
    files_.index_lengths.add(static_cast<std::int32_t>(kNonceSize + ended.index_bytes));
    files_.index_digests.add(ended.index_sha256);
    files_.instances.add(file.instance);
    files_.contents.add(file.content);
  }

  void join(const StudyCommit& study, const Uuid& delivery) {
    const bool alone = study.files.size() > kFewInstances || is_continued(delivery);
    joining_.add({alone ? kJoinAlone : kJoin, {tenant_.uuid, delivery, ByteView(study.study)}},
                 [](const BinaryResult& held) {
                   if (held.rows() == 0) throw Moved();
                 });
    if (!alone) return;
    joining_.add({kCountFiles, {tenant_.uuid, delivery}}, [&study](const BinaryResult& counted) {
      if (counted.number(0, 0) + study.files.size() > kMaxInstances) throw Moved();
    });
  }

  // Two who share a lock that both want to strengthen would wait for each other.
  bool is_continued(const Uuid& delivery) const {
    return std::any_of(studies_.begin(), studies_.end(), [&](const StudyCommit* other) {
      const auto* const opened = std::get_if<NewStudy>(&other->into);
      return opened != nullptr && opened->continues == delivery;
    });
  }

  void open(const StudyCommit& study, pqxx::work& transaction) const {
    const auto* const opened = std::get_if<NewStudy>(&study.into);
    if (opened == nullptr) return;
    const NewDelivery& delivery = opened->delivery;
    const std::string tenant = tenant_.uuid.text();
    const auto continued = text_of(opened->continues);
    transaction.exec_params(kEndJoining, tenant, binary(study.study), or_null(continued));
    const auto inserted = transaction.exec_params(
        kOpenStudy, tenant, delivery.id.text(), delivery.sender.text(), delivery.sealed_by_gateway,
        seconds(delivery.created), seconds(delivery.expires), binary(study.study),
        binary(opened->mailbox), opened->closes_after.count(), delivery.downloads);
    if (inserted.affected_rows() == 0) throw Moved();
    insert_cover_and_recipients(transaction, tenant_, delivery);
  }

  // What wasn't staged, and what was.
  void add_payloads() {
    const Batch& rest = request_.batch_;
    std::vector<Uuid> fresh;
    for (const Uuid& payload : rest.payloads) {
      if (payloads_.contains(payload)) fresh.push_back(payload);
    }
    if (!fresh.empty()) {
      fresh_payloads_ = array_of_uuids(fresh);
      adding_.add({kAddPayloads, {tenant_.uuid, *fresh_payloads_}});
    }
    for (const Row& row : rest.rows) {
      if (payloads_.contains(row.payload)) adding_.add(row_statement(tenant_, row));
    }
    for (const Index& index : rest.indexes) {
      if (payloads_.contains(index.payload)) adding_.add(index_statement(tenant_, index));
    }
    if (staged_.empty()) return;
    staged_payloads_ = array_of_uuids(staged_);
    const auto require_all = [](bool all) {
      if (!all) throw_lost();
    };
    adding_.add({kAdoptPayloads, {tenant_.uuid, *staged_payloads_, request_.instance_}},
                [=, this](const BinaryResult& adopted) {
                  require_all(adopted.affected() == staged_.size());
                });
    adding_.add({kCountRows, {tenant_.uuid, *staged_payloads_}}, [=, this](
                                                                     const BinaryResult& counted) {
      require_all(counted.number(0, 0) == staged_rows_ && counted.number(0, 1) == staged_bytes_);
    });
    adding_.add({kCountIndexes, {tenant_.uuid, *staged_payloads_}},
                [=, this](const BinaryResult& counted) {
                  require_all(counted.number(0, 0) == staged_.size());
                });
  }

  const PostgresRequest& request_;
  const TenantId tenant_;
  const std::vector<const StudyCommit*> studies_;
  std::set<Uuid> payloads_;  // of what is placed
  std::set<Uuid> staged_;    // those of them that the database has, and what it must have of them
  std::uint64_t staged_rows_ = 0;
  std::uint64_t staged_bytes_ = 0;
  FileColumns files_;
  const AuditStatement record_;
  std::optional<ArrayParameter> fresh_payloads_;
  std::optional<ArrayParameter> staged_payloads_;
  Steps joining_;
  Steps adding_;
};

CommitOutcome PostgresRequest::commit(const std::vector<StudyCommit>& studies,
                                      const AuditEvent& event) {
  require(!current_ && !committed_);
  require_sound(studies);
  const LastTransaction last(*this, studies, event);
  await_staging();
  try {
    pool_.transact([&](pqxx::work& transaction, Connection& connection) {
      last.run(transaction, connection);
    });
  } catch (const Moved&) {
    // Perhaps because it was fuller than it was said to be.
    for (const StudyCommit& study : studies) counts_.forget(tenant_, delivery_of(study));
    return CommitOutcome::kMoved;
  }
  committed_ = true;
  for (const Uuid& payload : last.payloads()) staged_.erase(payload);
  batch_ = {};
  return CommitOutcome::kDone;
}

}  // namespace letterbox::storage
