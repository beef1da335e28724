#include "storage/memory_studies.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "storage/row_framing.h"
#include "storage/study_check.h"

namespace letterbox::storage {

namespace {

class Request final : public RequestWriter {
 public:
  Request(MemoryShelf& shelf, TenantId tenant)
      : shelf_(shelf), tenant_(tenant), reservation_(shelf, tenant) {}

  void begin_file(const Uuid& id) override {
    require(!current_ && !committed_ && !ended_.contains(id));
    current_.emplace(id);
  }

  void append(Ciphertext row) override {
    require(current_.has_value());
    current_->framing.add(row);
    staged_ += row.size();
    // As the other store stages it.
    if (staged_ >= reserved_ + kUnreserved) reservation_.grow_to(reserved_ = staged_);
    current_->rows.push_back(std::move(row));
  }

  void end_file(const std::array<Byte, 16>& nonce, const Digest& payload_sha256,
                IndexPayload index) override {
    require(current_ && current_->framing.rows() > 0);
    require_sound(index);
    const Uuid id = current_->id;
    FileRecord record{id, {}, {}, nonce, kNonceSize + current_->framing.bytes(), payload_sha256};
    const auto rows = std::make_shared<const std::vector<Ciphertext>>(std::move(current_->rows));
    ended_.emplace(id, Ended{std::move(record), rows, std::move(index)});
    current_.reset();
  }

  void drop_file() override {
    require(current_.has_value());
    current_.reset();
  }

  CommitOutcome commit(const std::vector<StudyCommit>& studies, const AuditEvent& event) override {
    require(!current_ && !committed_);
    require_sound(studies);
    for (const StudyCommit& study : studies) {
      for (const PlacedFile& file : study.files) require(ended_.contains(file.id));
    }
    const std::lock_guard lock(shelf_.mutex);
    MemoryTenant& own = shelf_.tenants[tenant_];
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < studies.size(); ++i) {
      if (!fits(own, studies, i)) return CommitOutcome::kMoved;
      for (const PlacedFile& file : studies[i].files) {
        const Ended& ended = ended_.at(file.id);
        bytes += ended.record.payload_length + length_of(ended.index) + file.header.size() +
                 file.index_header.size();
      }
    }
    reservation_.release();
    shelf_.require_room(tenant_, bytes);
    shelf_.record(tenant_, event);
    for (const StudyCommit& study : studies) put(own, study);
    committed_ = true;
    return CommitOutcome::kDone;
  }

 private:
  struct Current {
    explicit Current(const Uuid& file) : id(file) {}
    Uuid id;
    RowFraming framing;
    std::vector<Ciphertext> rows;
  };
  struct Ended {
    FileRecord record;  // its delivery and header come with the commit
    std::shared_ptr<const std::vector<Ciphertext>> rows;
    IndexPayload index;
  };

  static void require(bool in_order) {
    if (!in_order) throw Error(ErrorCode::kInternal, "a request's calls come in another order");
  }

  // Whether studies[i] still can be done, after those before it.
  bool fits(MemoryTenant& own, const std::vector<StudyCommit>& studies, std::size_t i) const {
    const StudyCommit& study = studies[i];
    for (const PlacedFile& file : study.files) own.require_free(file.id);
    if (const Uuid* const joined = std::get_if<Uuid>(&study.into)) {
      const MemoryDelivery* const delivery = own.alive(*joined);
      return delivery != nullptr && delivery->joinable() && delivery->study->study == study.study &&
             (study.files.size() <= kFewInstances ||
              delivery->files.size() + study.files.size() <= kMaxInstances) &&
             std::none_of(study.files.begin(), study.files.end(), [&](const PlacedFile& file) {
               return holds(own, *delivery, file.instance);
             });
    }
    const auto& opened = std::get<NewStudy>(study.into);
    own.require_new(opened.delivery);
    shelf_.require_sender(tenant_, opened.delivery);
    if (opened.closes_after == std::chrono::seconds::zero()) return true;
    for (const auto& [id, delivery] : own.deliveries) {
      if (delivery.joinable() && delivery.study->study == study.study && id != opened.continues) {
        return false;
      }
    }
    // Two of one request would be two that are open.
    return std::none_of(studies.begin(), studies.begin() + static_cast<std::ptrdiff_t>(i),
                        [&](const StudyCommit& before) {
                          const auto* const other = std::get_if<NewStudy>(&before.into);
                          return other != nullptr && before.study == study.study &&
                                 other->closes_after != std::chrono::seconds::zero() &&
                                 other->delivery.id != opened.continues;
                        });
  }

  static bool holds(const MemoryTenant& own, const MemoryDelivery& delivery, const Mac& instance) {
    return std::any_of(delivery.files.begin(), delivery.files.end(), [&](const Uuid& id) {
      const auto& known = own.files.at(id).instance;
      return known && known->instance == instance;
    });
  }

  void put(MemoryTenant& own, const StudyCommit& study) {
    if (const auto* const opened = std::get_if<NewStudy>(&study.into)) {
      if (opened->continues) {
        MemoryDelivery* const full = own.alive(*opened->continues);
        if (full != nullptr && full->study) full->study->joinable = false;
      }
      own.open(opened->delivery).study = {study.study, opened->mailbox, opened->closes_after,
                                          opened->closes_after != std::chrono::seconds::zero()};
    }
    const Uuid* const joined = std::get_if<Uuid>(&study.into);
    const Uuid delivery = joined ? *joined : std::get<NewStudy>(study.into).delivery.id;
    for (const PlacedFile& placed : study.files) {
      Ended& ended = ended_.at(placed.id);
      ended.record.delivery = delivery;
      ended.record.header = placed.header;
      const SealedIndex index{placed.index_header, std::move(ended.index)};
      own.put({std::move(ended.record), std::move(ended.rows), memory_index(placed.id, &index),
               MemoryFile::Instance{placed.instance, placed.content,
                                    std::chrono::system_clock::now()}});
    }
  }

  static constexpr std::uint64_t kUnreserved = std::uint64_t{2} * 1024 * 1024;

  MemoryShelf& shelf_;
  const TenantId tenant_;
  MemoryReservation reservation_;
  std::uint64_t staged_ = 0;
  std::uint64_t reserved_ = 0;
  std::optional<Current> current_;
  std::map<Uuid, Ended> ended_;
  bool committed_ = false;
};

OpenStudy describe(TenantId tenant, const MemoryDelivery& delivery) {
  return {tenant,
          delivery.opened.id,
          delivery.opened.sender,
          delivery.study->mailbox,
          {delivery.recipients.begin(), delivery.recipients.end()}};
}

// Not, if nothing is left to close it with.
bool is_due(const MemoryTenant& own, const MemoryDelivery& delivery, std::chrono::sys_seconds now) {
  if (!delivery.alive() || delivery.state != DeliveryState::kOpen || !delivery.study ||
      delivery.files.empty()) {
    return false;
  }
  std::chrono::system_clock::time_point last;
  for (const Uuid& id : delivery.files) {
    const auto& known = own.files.at(id).instance;
    if (known) last = std::max(last, known->stored);
  }
  return !delivery.study->joinable || delivery.files.size() >= kMaxInstances ||
         delivery.opened.created + kLongestOpen <= now ||
         last + delivery.study->closes_after <= now;
}

}  // namespace

std::unique_ptr<RequestWriter> MemoryStudies::begin(TenantId tenant) {
  return std::make_unique<Request>(shelf_, tenant);
}

std::optional<JoinableStudy> MemoryStudies::find_open(TenantId tenant, const Mac& study) {
  const std::lock_guard lock(shelf_.mutex);
  for (const auto& [id, delivery] : shelf_.tenants[tenant].deliveries) {
    if (delivery.joinable() && delivery.study->study == study) {
      return JoinableStudy{id,
                           {delivery.opened.cover},
                           {delivery.recipients.begin(), delivery.recipients.end()},
                           delivery.files.size()};
    }
  }
  return std::nullopt;
}

std::vector<LiveInstance> MemoryStudies::find(TenantId tenant, const std::vector<Mac>& instances) {
  const std::set<Mac> wanted(instances.begin(), instances.end());
  const std::lock_guard lock(shelf_.mutex);
  const MemoryTenant& own = shelf_.tenants[tenant];
  std::vector<std::pair<std::chrono::system_clock::time_point, LiveInstance>> found;
  for (const auto& [id, file] : own.files) {
    const MemoryDelivery& delivery = own.deliveries.at(file.record.delivery);
    if (!file.instance || !wanted.contains(file.instance->instance) || !delivery.alive()) continue;
    found.push_back({file.instance->stored,
                     {file.instance->instance, delivery.opened.id, id, file.instance->content,
                      delivery.joinable()}});
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<LiveInstance> in_order;
  for (auto& [stored, instance] : found) in_order.push_back(instance);
  return in_order;
}

std::vector<OpenStudy> MemoryStudies::due(std::chrono::sys_seconds now, std::size_t limit) {
  const std::lock_guard lock(shelf_.mutex);
  std::vector<OpenStudy> found;
  for (const auto& [tenant, own] : shelf_.tenants) {
    for (const auto& [id, delivery] : own.deliveries) {
      if (found.size() < limit && is_due(own, delivery, now)) {
        found.push_back(describe(tenant, delivery));
      }
    }
  }
  return found;
}

std::vector<OpenStudy> MemoryStudies::joinable(const std::optional<Uuid>& after,
                                               std::size_t limit) {
  const std::lock_guard lock(shelf_.mutex);
  std::vector<OpenStudy> found;
  for (const auto& [tenant, own] : shelf_.tenants) {
    for (const auto& [id, delivery] : own.deliveries) {
      if (delivery.joinable() && (!after || *after < id)) {
        found.push_back(describe(tenant, delivery));
      }
    }
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.delivery < b.delivery; });
  if (found.size() > limit)
    found.erase(found.begin() + static_cast<std::ptrdiff_t>(limit), found.end());
  return found;
}

}  // namespace letterbox::storage
