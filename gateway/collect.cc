#include "gateway/collect.h"

#include <utility>

namespace letterbox::gateway {

namespace {

class WholeFile final : public Source {
 public:
  WholeFile(Bytes head, std::unique_ptr<Source> rows)
      : head_(std::move(head)), rows_(std::move(rows)) {}

  ByteView next() override {
    if (!std::exchange(head_given_, true)) return head_;
    return rows_->next();
  }

 private:
  Bytes head_;
  std::unique_ptr<Source> rows_;
  bool head_given_ = false;
};

}  // namespace

std::optional<Letter> collect(storage::Store& shelf, const Uuid& id) {
  std::optional<storage::FileRecord> file = shelf.blobs().find(id);
  if (!file) return std::nullopt;
  const std::uint64_t length = file->header.size() + file->payload_length;
  // Covers have one version until deliveries can be shared on.
  std::string etag = '"' + to_hex(file->payload_sha256) + "-1\"";
  Bytes head = std::move(file->header);
  head.insert(head.end(), file->nonce.begin(), file->nonce.end());
  return Letter{file->delivery, length, std::move(etag),
                std::make_unique<WholeFile>(std::move(head), shelf.blobs().read(id))};
}

}  // namespace letterbox::gateway
