// Where the time of a deposit goes. Measured at its two ends, so that deposit() needn't know of it.
#pragma once

#include <chrono>
#include <memory>

#include "base/bytes.h"
#include "storage/blob_store.h"

namespace letterbox::gateway {

/// Stands between a deposit and what it draws on: the body that it pulls, and the shelf that it
/// stores on. Both must outlive it. For one deposit, and one thread.
class DepositTiming {
 public:
  using Duration = std::chrono::steady_clock::duration;

  DepositTiming(Source& body, storage::BlobStore& shelf)
      : started_(std::chrono::steady_clock::now()),
        body_(body, waiting_),
        shelf_(shelf, storing_) {}
  DepositTiming(const DepositTiming&) = delete;
  DepositTiming& operator=(const DepositTiming&) = delete;

  Source& body() noexcept { return body_; }
  storage::BlobStore& shelf() noexcept { return shelf_; }

  /// In the store, the last commit included.
  Duration storing() const noexcept { return storing_; }
  /// Everything until now but storing, and waiting for the sender: judging, sealing, signing.
  Duration sealing() const noexcept {
    return std::chrono::steady_clock::now() - started_ - waiting_ - storing_;
  }

 private:
  class TimedBody final : public Source {
   public:
    TimedBody(Source& body, Duration& spent) : body_(body), spent_(spent) {}
    ByteView next() override;

   private:
    Source& body_;
    Duration& spent_;
  };

  class TimedShelf final : public storage::BlobStore {
   public:
    TimedShelf(storage::BlobStore& shelf, Duration& spent) : shelf_(shelf), spent_(spent) {}
    std::unique_ptr<storage::BlobWriter> begin(storage::TenantId tenant, const Uuid& id) override;
    std::optional<storage::FileRecord> find(storage::TenantId tenant, const Uuid& id) override {
      return shelf_.find(tenant, id);
    }
    std::unique_ptr<Source> read(storage::TenantId tenant, const Uuid& id,
                                 std::size_t first) override {
      return shelf_.read(tenant, id, first);
    }
    void put_index(storage::TenantId tenant, const Uuid& delivery, const Uuid& file,
                   const storage::SealedIndex& index, const storage::AuditEvent& event) override {
      shelf_.put_index(tenant, delivery, file, index, event);
    }
    storage::FilePage read_files(storage::TenantId tenant, const Uuid& delivery, const Uuid& after,
                                 std::uint64_t up_to) override {
      return shelf_.read_files(tenant, delivery, after, up_to);
    }
    std::unique_ptr<storage::IndexReader> read_indexes(storage::TenantId tenant,
                                                       const Uuid& delivery) override {
      return shelf_.read_indexes(tenant, delivery);
    }
    bool remove(storage::TenantId tenant, const Uuid& id,
                const storage::AuditEvent& event) override {
      return shelf_.remove(tenant, id, event);
    }
    std::uint64_t used(storage::TenantId tenant) override { return shelf_.used(tenant); }

   private:
    storage::BlobStore& shelf_;
    Duration& spent_;
  };

  const std::chrono::steady_clock::time_point started_;
  Duration waiting_{};
  Duration storing_{};
  TimedBody body_;
  TimedShelf shelf_;
};

}  // namespace letterbox::gateway
