#include "storage/postgres_request.h"

#include <algorithm>
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

constexpr const char* kDoNotWait = "SELECT set_config('synchronous_commit', 'off', true)";

constexpr const char* kStagePayloads = R"SQL(
  INSERT INTO payload (tenant_id, id, staged_by)
  SELECT $1, id, $3 FROM unnest($2::uuid[]) AS id
  ON CONFLICT DO NOTHING)SQL";

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
  UPDATE payload SET staged_by = NULL
   WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) AND staged_by = $3)SQL";

// octet_length of an uncompressed bytea is read from its pointer, not from the bytes.
constexpr const char* kCountRows = R"SQL(
  SELECT count(*), coalesce(sum(octet_length(content)), 0)::bigint
    FROM payload_row
   WHERE tenant_id = $1 AND payload_id = ANY ($2::uuid[]))SQL";

constexpr const char* kCountIndexes = R"SQL(
  SELECT count(*) FROM sealed_index WHERE tenant_id = $1 AND payload_id = ANY ($2::uuid[]))SQL";

// An instance that the delivery has already is no error: somebody else was faster.
constexpr const char* kAddFiles = R"SQL(
  INSERT INTO file (tenant_id, id, delivery_id, payload_id, header, nonce, payload_length,
                    payload_sha256, index_header, index_nonce, index_length, index_sha256, instance_mac,
                    content_mac)
  SELECT $1, f.*
    FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::bytea[], $6::bytea[], $7::bigint[],
                $8::bytea[], $9::bytea[], $10::bytea[], $11::int[], $12::bytea[], $13::bytea[],
                $14::bytea[]) AS f
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
                        mailbox, closes_after, joinable)
  VALUES ($1, $2, $3, $4, to_timestamp($5::bigint), to_timestamp($6::bigint), $7, $8, $9::int,
          $9::int > 0)
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
    drop_staged(pool_, tenant_, instance_, {staged_.begin(), staged_.end()});
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
  for (const Row& row : batch_.rows) staged_.insert(row.payload);
  for (const Index& index : batch_.indexes) staged_.insert(index.payload);
  staging_ = std::async([this, batch = std::exchange(batch_, {})] { stage(batch); });
}

void PostgresRequest::await_staging() {
  if (staging_.valid()) staging_.get();
}

void PostgresRequest::stage(const Batch& batch) const {
  const ArrayParameter payloads = array_of_uuids(batch.payloads);
  std::vector<Statement> statements = {{kDoNotWait, {}},
                                       {kStagePayloads, {tenant_.uuid, payloads, instance_}}};
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

class PostgresRequest::LastTransaction {
 public:
  LastTransaction(const PostgresRequest& request, const std::vector<StudyCommit>& studies)
      : request_(request), tenant_(request.tenant_), studies_(in_order(studies)) {
    for (const StudyCommit* study : studies_) {
      for (const PlacedFile& file : study->files) {
        const auto ended = request.ended_.find(file.id);
        require(ended != request.ended_.end());
        placed_.push_back({&file, &ended->second, delivery_of(*study)});
        payloads_.insert(ended->second.payload);
      }
    }
    for (const Placed& file : placed_) {
      if (!request.staged_.contains(file.ended->payload)) continue;
      staged_.insert(file.ended->payload);
      staged_rows_ += file.ended->rows;
      staged_bytes_ += file.ended->bytes;
    }
  }

  /// Payloads of files that are stored now.
  const std::set<Uuid>& payloads() const noexcept { return payloads_; }

  /// Throws Moved.
  void run(pqxx::work& transaction, Connection& connection) const {
    for (const StudyCommit* study : studies_) settle(*study, transaction, connection);
    add_payloads(connection);
    add_files(connection);
  }

 private:
  struct Placed {
    const PlacedFile* file;
    const Ended* ended;
    Uuid delivery;
  };

  void settle(const StudyCommit& study, pqxx::work& transaction, Connection& connection) const {
    if (const auto* const opened = std::get_if<NewStudy>(&study.into)) {
      open(study, *opened, transaction);
    } else {
      join(study, std::get<Uuid>(study.into), connection);
    }
  }

  void join(const StudyCommit& study, const Uuid& delivery, Connection& connection) const {
    const bool alone = study.files.size() > kFewInstances || is_continued(delivery);
    const auto held = connection.execute_all(
        {{alone ? kJoinAlone : kJoin, {tenant_.uuid, delivery, ByteView(study.study)}}});
    if (held.front().rows() == 0) throw Moved();
    if (!alone) return;
    const auto counted = connection.execute_all({{kCountFiles, {tenant_.uuid, delivery}}});
    if (counted.front().number(0, 0) + study.files.size() > kMaxInstances) throw Moved();
  }

  // Two who share a lock that both want to strengthen would wait for each other.
  bool is_continued(const Uuid& delivery) const {
    return std::any_of(studies_.begin(), studies_.end(), [&](const StudyCommit* other) {
      const auto* const opened = std::get_if<NewStudy>(&other->into);
      return opened != nullptr && opened->continues == delivery;
    });
  }

  void open(const StudyCommit& study, const NewStudy& opened, pqxx::work& transaction) const {
    const NewDelivery& delivery = opened.delivery;
    const std::string tenant = tenant_.uuid.text();
    const auto continued = text_of(opened.continues);
    transaction.exec_params(kEndJoining, tenant, binary(study.study), or_null(continued));
    const auto inserted = transaction.exec_params(
        kOpenStudy, tenant, delivery.id.text(), delivery.sender.text(), delivery.sealed_by_gateway,
        seconds(delivery.created), seconds(delivery.expires), binary(study.study),
        binary(opened.mailbox), opened.closes_after.count());
    if (inserted.affected_rows() == 0) throw Moved();
    insert_cover_and_recipients(transaction, tenant_, delivery);
  }

  // What wasn't staged, and what was.
  void add_payloads(Connection& connection) const {
    const Batch& rest = request_.batch_;
    std::vector<Uuid> fresh;
    for (const Uuid& payload : rest.payloads) {
      if (payloads_.contains(payload)) fresh.push_back(payload);
    }
    const ArrayParameter added = array_of_uuids(fresh);
    const ArrayParameter staged = array_of_uuids(staged_);

    std::vector<Statement> statements;
    if (!fresh.empty()) statements.push_back({kAddPayloads, {tenant_.uuid, added}});
    for (const Row& row : rest.rows) {
      if (!payloads_.contains(row.payload)) continue;
      statements.push_back(
          {kStageRow, {tenant_.uuid, row.payload, row.number, row.content.view()}});
    }
    for (const Index& index : rest.indexes) {
      if (!payloads_.contains(index.payload)) continue;
      statements.push_back({kStageIndex, {tenant_.uuid, index.payload, index.content.view()}});
    }
    if (!staged_.empty()) {
      statements.push_back({kAdoptPayloads, {tenant_.uuid, staged, request_.instance_}});
      statements.push_back({kCountRows, {tenant_.uuid, staged}});
      statements.push_back({kCountIndexes, {tenant_.uuid, staged}});
    }
    try {
      const auto results = connection.execute_all(statements);
      if (staged_.empty()) return;
      const auto* const last = &results.back();
      if (last[-2].affected() != staged_.size() || last[-1].number(0, 0) != staged_rows_ ||
          last[-1].number(0, 1) != staged_bytes_ || last[0].number(0, 0) != staged_.size()) {
        throw_lost();
      }
    } catch (const pqxx::sql_error& error) {
      if (error.sqlstate() == kForeignKeyViolation) throw_lost();
      throw;
    }
  }

  void add_files(Connection& connection) const {
    using Element = ArrayParameter::Element;
    const std::size_t count = placed_.size();
    ArrayParameter ids(Element::kUuid, count), deliveries(Element::kUuid, count),
        payloads(Element::kUuid, count), headers(Element::kBytea, count),
        nonces(Element::kBytea, count), lengths(Element::kInt8, count),
        digests(Element::kBytea, count), index_headers(Element::kBytea, count),
        index_nonces(Element::kBytea, count), index_lengths(Element::kInt4, count),
        index_digests(Element::kBytea, count), instances(Element::kBytea, count),
        contents(Element::kBytea, count);
    for (const auto& [file, ended, delivery] : placed_) {
      ids.add(file->id);
      deliveries.add(delivery);
      payloads.add(ended->payload);
      headers.add(file->header);
      nonces.add(ended->nonce);
      lengths.add(static_cast<std::int64_t>(kNonceSize + ended->bytes));
      digests.add(ended->sha256);
      index_headers.add(file->index_header);
      index_nonces.add(ended->index_nonce);
      index_lengths.add(static_cast<std::int32_t>(kNonceSize + ended->index_bytes));
      index_digests.add(ended->index_sha256);
      instances.add(file->instance);
      contents.add(file->content);
    }
    const auto added = connection.execute_all(
        {{kAddFiles,
          {tenant_.uuid, ids, deliveries, payloads, headers, nonces, lengths, digests,
           index_headers, index_nonces, index_lengths, index_digests, instances, contents}}});
    if (added.front().affected() != count) throw Moved();
  }

  const PostgresRequest& request_;
  const TenantId tenant_;
  const std::vector<const StudyCommit*> studies_;
  std::vector<Placed> placed_;
  std::set<Uuid> payloads_;  // of what is placed
  std::set<Uuid> staged_;    // those of them that the database has, and what it must have of them
  std::uint64_t staged_rows_ = 0;
  std::uint64_t staged_bytes_ = 0;
};

CommitOutcome PostgresRequest::commit(const std::vector<StudyCommit>& studies,
                                      const AuditEvent& event) {
  require(!current_ && !committed_);
  require_sound(studies);
  const LastTransaction last(*this, studies);
  await_staging();
  try {
    pool_.transact([&](pqxx::work& transaction, Connection& connection) {
      last.run(transaction, connection);
      record(transaction, tenant_, event);
    });
  } catch (const Moved&) {
    return CommitOutcome::kMoved;
  }
  committed_ = true;
  for (const Uuid& payload : last.payloads()) staged_.erase(payload);
  batch_ = {};
  return CommitOutcome::kDone;
}

}  // namespace letterbox::storage
