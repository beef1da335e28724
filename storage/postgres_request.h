#pragma once

#include <future>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "storage/pool.h"
#include "storage/recent_counts.h"
#include "storage/row_framing.h"
#include "storage/study_store.h"

namespace letterbox::storage {

/// A request's files on their way into the database: in batches, each on a thread of its own while
/// the caller fills the next, so that no connection is held while nothing is there to be stored.
class PostgresRequest final : public RequestWriter {
 public:
  PostgresRequest(Pool& pool, const Uuid& instance, RecentCounts& counts, TenantId tenant)
      : pool_(pool), instance_(instance), counts_(counts), tenant_(tenant) {}
  ~PostgresRequest() override;
  PostgresRequest(const PostgresRequest&) = delete;
  PostgresRequest& operator=(const PostgresRequest&) = delete;

  void begin_file(const Uuid& id) override;
  void append(Ciphertext row) override;
  void end_file(const std::array<Byte, 16>& nonce, const Digest& payload_sha256,
                IndexPayload index) override;
  void drop_file() override;
  CommitOutcome commit(const std::vector<StudyCommit>& studies, const AuditEvent& event) override;

 private:
  struct Current {
    Uuid id;
    Uuid payload;
    RowFraming framing;
  };
  struct Row {
    Uuid payload;
    std::int32_t number;
    Ciphertext content;
  };
  struct Index {
    Uuid payload;
    Ciphertext content;
  };
  // What isn't in the database yet.
  struct Batch {
    std::vector<Uuid> payloads;  // whose first row is in here
    std::vector<Row> rows;
    std::vector<Index> indexes;
    std::size_t bytes = 0;
    // How much of each payload that is in here is in the database once this is.
    std::map<Uuid, std::int64_t> staged;

    void forget(const Uuid& payload);
  };
  // What is known of a whole file.
  struct Ended {
    Uuid payload;
    std::size_t rows;
    std::uint64_t bytes;  // of all rows
    std::array<Byte, 16> nonce;
    Digest sha256;
    std::array<Byte, 16> index_nonce;
    std::size_t index_bytes;  // of its row
    Digest index_sha256;
  };
  class LastTransaction;

  void stage_if_full();
  static Statement row_statement(const TenantId& tenant, const Row& row);
  static Statement index_statement(const TenantId& tenant, const Index& index);
  void stage(const Batch& batch) const;
  void await_staging();

  Pool& pool_;
  const Uuid instance_;
  RecentCounts& counts_;
  const TenantId tenant_;
  std::optional<Current> current_;
  std::map<Uuid, Ended> ended_;
  Batch batch_;
  // Payloads that the database may hold something of, and no file has; and how much.
  std::map<Uuid, std::int64_t> staged_;
  std::future<void> staging_;
  bool committed_ = false;
};

}  // namespace letterbox::storage
