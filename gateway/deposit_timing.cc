#include "gateway/deposit_timing.h"

#include <utility>

namespace letterbox::gateway {

namespace {

using Clock = std::chrono::steady_clock;

// Adds the time of its own life.
class Lap {
 public:
  explicit Lap(Clock::duration& sum) : sum_(sum) {}
  ~Lap() { sum_ += Clock::now() - started_; }
  Lap(const Lap&) = delete;
  Lap& operator=(const Lap&) = delete;

 private:
  Clock::duration& sum_;
  const Clock::time_point started_ = Clock::now();
};

class TimedWriter final : public storage::BlobWriter {
 public:
  TimedWriter(std::unique_ptr<storage::BlobWriter> writer, Clock::duration& spent)
      : writer_(std::move(writer)), spent_(spent) {}

  void append(const Ciphertext& row) override {
    const Lap lap(spent_);
    writer_->append(row);
  }
  void commit(const storage::FileRecord& file, const storage::SealedIndex* index,
              const storage::AuditEvent& event) override {
    const Lap lap(spent_);
    writer_->commit(file, index, event);
  }
  void commit_as_delivery(const storage::FileRecord& file, const storage::SealedIndex* index,
                          const storage::NewDelivery& delivery, const std::string& manifest,
                          const storage::AuditEvent& event) override {
    const Lap lap(spent_);
    writer_->commit_as_delivery(file, index, delivery, manifest, event);
  }

 private:
  std::unique_ptr<storage::BlobWriter> writer_;
  Clock::duration& spent_;
};

}  // namespace

ByteView DepositTiming::TimedBody::next() {
  const Lap lap(spent_);
  return body_.next();
}

std::unique_ptr<storage::BlobWriter> DepositTiming::TimedShelf::begin(storage::TenantId tenant,
                                                                      const Uuid& id) {
  const Lap lap(spent_);
  return std::make_unique<TimedWriter>(shelf_.begin(tenant, id), spent_);
}

}  // namespace letterbox::gateway
