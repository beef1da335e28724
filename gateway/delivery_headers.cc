#include "gateway/delivery_headers.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"
#include "crypto/header.h"
#include "gateway/covers.h"
#include "records/delivery_headers.h"

namespace letterbox::gateway {

namespace {

std::vector<Uuid> ids_of(const std::vector<storage::FileSummary>& files) {
  std::vector<Uuid> ids;
  for (const storage::FileSummary& file : files) ids.push_back(file.id);
  return ids;
}

[[noreturn]] void refuse() {
  throw Error(ErrorCode::kConflict, "the headers of a delivery changed while they were read");
}

// A file's headers at a time.
class Frames : public Source {
 public:
  Frames(storage::Store& shelf, storage::TenantId tenant, std::uint32_t version,
         std::vector<Uuid> files)
      : shelf_(shelf), tenant_(tenant), version_(version), files_(std::move(files)) {}

  ByteView next() override {
    if (next_ == files_.size()) return {};
    const Uuid& id = files_[next_++];
    frame_ = records::headers_frame(headers_of(id));
    return frame_;
  }

 protected:
  virtual records::FileHeaders headers_of(const Uuid& id) = 0;

  storage::Store& shelf_;
  const storage::TenantId tenant_;
  const std::uint32_t version_;

 private:
  const std::vector<Uuid> files_;
  std::size_t next_ = 0;
  Bytes frame_;
};

class FormerFrames final : public Frames {
 public:
  using Frames::Frames;

 private:
  records::FileHeaders headers_of(const Uuid& id) override {
    auto headers = shelf_.sharing().former(tenant_, id, version_);
    if (!headers) refuse();
    return {id, std::move(headers->header), std::move(headers->index).value_or(Bytes())};
  }
};

class CurrentFrames final : public Frames {
 public:
  CurrentFrames(storage::Store& shelf, storage::TenantId tenant, std::uint32_t version,
                std::vector<Uuid> files, const Uuid& delivery)
      : Frames(shelf, tenant, version, std::move(files)),
        indexes_(shelf.blobs().read_indexes(tenant, delivery)),
        index_(indexes_->next()) {}

 private:
  records::FileHeaders headers_of(const Uuid& id) override {
    auto file = shelf_.blobs().find(tenant_, id);
    if (!file || file->version != version_) refuse();
    Bytes index;
    if (index_ && index_->file == id) {
      index.assign(index_->header.begin(), index_->header.end());
      index_ = indexes_->next();
    }
    return {id, std::move(file->header), std::move(index)};
  }

  const std::unique_ptr<storage::IndexReader> indexes_;
  std::optional<storage::StoredIndex> index_;
};

}  // namespace

std::optional<DeliveryHeaders> collect_headers(storage::Store& shelf, storage::TenantId tenant,
                                               const storage::Delivery& delivery,
                                               std::optional<std::uint32_t> version) {
  const auto current = static_cast<std::uint32_t>(delivery.covers.size());
  const std::uint32_t wanted = version.value_or(current);
  if (wanted == 0 || wanted > current) return std::nullopt;
  const std::size_t header =
      crypto::header_size(read_cover(delivery.covers[wanted - 1]).recipients.size());
  constexpr std::size_t kIdAndLengths = 16 + 4 + 4;
  const std::uint64_t length =
      delivery.files.size() * (kIdAndLengths + header) + delivery.indexes.size() * header;
  std::vector<Uuid> files = ids_of(delivery.files);
  if (wanted == current) {
    return DeliveryHeaders{
        length, wanted,
        std::make_unique<CurrentFrames>(shelf, tenant, wanted, std::move(files), delivery.id)};
  }
  const std::vector<std::uint32_t> kept = shelf.sharing().kept(tenant, delivery.id);
  if (std::ranges::find(kept, wanted) == kept.end()) return std::nullopt;
  return DeliveryHeaders{length, wanted,
                         std::make_unique<FormerFrames>(shelf, tenant, wanted, std::move(files))};
}

}  // namespace letterbox::gateway
