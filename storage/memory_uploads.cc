#include "storage/memory_uploads.h"

#include <utility>

#include "base/error.h"
#include "storage/lifetimes.h"
#include "storage/row_framing.h"
#include "storage/upload_step.h"

namespace letterbox::storage {

namespace {

MemoryUpload* find_in(MemoryTenant& own, const Uuid& id, std::chrono::sys_seconds now) {
  const auto found = own.uploads.find(id);
  if (found == own.uploads.end() || found->second.upload.expires <= now) return nullptr;
  return &found->second;
}

[[noreturn]] void refuse_unknown(const Uuid& id) {
  throw Error(ErrorCode::kNotFound, "there is no such upload, or not any more: " + id.text());
}

// Its hold on the upload is that it is in the shelf's set.
class Writer final : public UploadWriter {
 public:
  Writer(MemoryShelf& shelf, TenantId tenant, const MemoryUpload& found)
      : shelf_(shelf),
        tenant_(tenant),
        upload_(found.upload),
        progress_(found.progress),
        found_(found.progress) {}
  ~Writer() override {
    const std::lock_guard lock(shelf_.mutex);
    shelf_.held.erase({tenant_, upload_.made.id});
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  const Upload& upload() const noexcept override { return upload_; }
  const UploadProgress& progress() const noexcept override { return progress_; }

  void advance(const UploadStep& step, std::chrono::sys_seconds now) override {
    const std::uint64_t offset = offset_after(upload_, progress_, step, false);
    const std::lock_guard lock(shelf_.mutex);
    keep(require_kept(), step, offset, now);
  }

  void complete(const UploadStep& step, const Digest& payload_sha256, std::chrono::sys_seconds now,
                const AuditEvent& event) override {
    const std::uint64_t offset = offset_after(upload_, progress_, step, true);
    const UploadHead head = progress_.head ? *progress_.head : *step.head;
    const std::lock_guard lock(shelf_.mutex);
    MemoryUpload& kept = require_kept();
    MemoryTenant& own = shelf_.tenants[tenant_];
    own.require_free(upload_.made.file);
    // What it becomes needs less room than it took.
    shelf_.record(tenant_, event);
    keep(kept, step, offset, now);
    const FileRecord file{upload_.made.file, upload_.made.delivery,       head.header,
                          head.nonce,        offset - head.header.size(), payload_sha256};
    auto rows = std::make_shared<const std::vector<Ciphertext>>(std::move(kept.rows));
    kept.rows.clear();
    own.put({file, std::move(rows), nullptr, std::nullopt});
  }

  void rewind(std::chrono::sys_seconds now) override {
    require_incomplete(upload_);
    const std::lock_guard lock(shelf_.mutex);
    MemoryUpload& kept = require_kept();
    kept.rows.erase(kept.rows.begin() + static_cast<std::ptrdiff_t>(found_.rows), kept.rows.end());
    progress_ = found_;
    upload_.offset = offset_of(progress_);
    upload_.expires = now + kUploadKept;
    kept.upload = upload_;
    kept.progress = progress_;
  }

 private:
  MemoryUpload& require_kept() {
    MemoryTenant& own = shelf_.tenants[tenant_];
    own.still_open(upload_.made.delivery);
    const auto found = own.uploads.find(upload_.made.id);
    if (found == own.uploads.end()) refuse_unknown(upload_.made.id);
    return found->second;
  }

  void keep(MemoryUpload& kept, const UploadStep& step, std::uint64_t offset,
            std::chrono::sys_seconds now) {
    progress_ = progress_after(std::move(progress_), step);
    upload_.offset = offset;
    upload_.expires = now + kUploadKept;
    kept.rows.insert(kept.rows.end(), step.rows.begin(), step.rows.end());
    kept.upload = upload_;
    kept.progress = progress_;
  }

  MemoryShelf& shelf_;
  const TenantId tenant_;
  Upload upload_;
  UploadProgress progress_;
  const UploadProgress found_;
};

}  // namespace

Upload MemoryUploads::create(TenantId tenant, const NewUpload& upload, std::uint64_t most,
                             std::chrono::sys_seconds now, const AuditEvent& event) {
  require_sound(upload);
  const std::lock_guard lock(shelf_.mutex);
  MemoryTenant& own = shelf_.tenants[tenant];
  const NewDelivery& delivery = own.still_open(upload.delivery).opened;
  if (delivery.sealed_by_gateway) {
    throw Error(ErrorCode::kConflict, "the delivery is sealed by the gateway");
  }
  std::uint64_t unfinished = 0;
  for (const auto& [id, other] : own.uploads) {
    const bool is_senders =
        own.deliveries.at(other.upload.made.delivery).opened.sender == delivery.sender;
    if (is_senders && !other.upload.complete()) unfinished += other.upload.made.length;
  }
  require_within(unfinished, upload, most);
  own.require_free(upload.file);
  if (own.uploads.contains(upload.id)) {
    throw Error(ErrorCode::kConflict, "an upload has this id already: " + upload.id.text());
  }
  shelf_.require_room(tenant, upload.length);
  shelf_.record(tenant, event);
  const Upload made{upload, 0, now + kUploadKept};
  own.uploads.emplace(upload.id, MemoryUpload{made, {}, {}});
  return made;
}

std::optional<Upload> MemoryUploads::find(TenantId tenant, const Uuid& id,
                                          std::chrono::sys_seconds now) {
  const std::lock_guard lock(shelf_.mutex);
  const MemoryUpload* const found = find_in(shelf_.tenants[tenant], id, now);
  if (found == nullptr) return std::nullopt;
  return found->upload;
}

std::unique_ptr<UploadWriter> MemoryUploads::resume(TenantId tenant, const Uuid& id,
                                                    std::chrono::sys_seconds now) {
  const std::lock_guard lock(shelf_.mutex);
  const MemoryUpload* const found = find_in(shelf_.tenants[tenant], id, now);
  if (found == nullptr) refuse_unknown(id);
  if (!shelf_.held.insert({tenant, id}).second) return nullptr;
  return std::make_unique<Writer>(shelf_, tenant, *found);
}

bool MemoryUploads::terminate(TenantId tenant, const Uuid& id) {
  const std::lock_guard lock(shelf_.mutex);
  return shelf_.tenants[tenant].uploads.erase(id) > 0;
}

}  // namespace letterbox::storage
