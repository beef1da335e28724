#include "gateway/collect.h"

#include <utility>

namespace letterbox::gateway {

namespace {

// Owns what it draws on.
class WholeFile final : public Source {
 public:
  WholeFile(Bytes head, std::unique_ptr<Source> rows)
      : rows_(std::move(rows)), whole_(std::move(head), *rows_) {}
  ByteView next() override { return whole_.next(); }

 private:
  std::unique_ptr<Source> rows_;
  PrefixedSource whole_;
};

}  // namespace

std::optional<Letter> collect(storage::Store& shelf, storage::TenantId tenant, const Uuid& id) {
  std::optional<storage::FileRecord> file = shelf.blobs().find(tenant, id);
  if (!file) return std::nullopt;
  const std::uint64_t length = file->header.size() + file->payload_length;
  // Covers have one version until deliveries can be shared on.
  std::string etag = '"' + to_hex(file->payload_sha256) + "-1\"";
  Bytes head = std::move(file->header);
  head.insert(head.end(), file->nonce.begin(), file->nonce.end());
  return Letter{file->delivery, length, std::move(etag),
                std::make_unique<WholeFile>(std::move(head), shelf.blobs().read(tenant, id))};
}

}  // namespace letterbox::gateway
