#include "gateway/delivery_headers.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "crypto/header.h"
#include "records/delivery_headers.h"

namespace letterbox::gateway {

namespace {

// A file at a time.
class Frames final : public Source {
 public:
  explicit Frames(std::unique_ptr<storage::BeginningsReader> files) : files_(std::move(files)) {}

  ByteView next() override {
    auto file = files_->next();
    if (!file) return {};
    records::FileBeginnings beginnings{
        file->file, {std::move(file->headers.header), file->nonce}, {}};
    if (file->headers.index) {
      beginnings.index = {*std::move(file->headers.index), file->index_nonce.value()};
    }
    frame_ = records::beginnings_frame(beginnings);
    return frame_;
  }

 private:
  const std::unique_ptr<storage::BeginningsReader> files_;
  Bytes frame_;
};

}  // namespace

std::optional<DeliveryHeaders> collect_headers(storage::Store& shelf, storage::TenantId tenant,
                                               const Uuid& delivery, const HeadersVersion& of) {
  if (of.is_former) {
    const std::vector<std::uint32_t> kept = shelf.sharing().kept(tenant, delivery);
    if (std::ranges::find(kept, of.version) == kept.end()) return std::nullopt;
  }
  constexpr std::size_t kIdAndLengths = 16 + 4 + 4;
  const std::size_t beginning = crypto::header_size(of.recipients) + sizeof(crypto::PayloadNonce);
  return DeliveryHeaders{
      of.files * (kIdAndLengths + beginning) + of.indexes * beginning, of.version,
      std::make_unique<Frames>(shelf.sharing().read(tenant, delivery, of.version))};
}

}  // namespace letterbox::gateway
