#include "gateway/collect.h"

#include <algorithm>
#include <future>
#include <utility>

#include "base/error.h"
#include "crypto/stream.h"

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

// All but the first bytes of its first piece.
class FromWithin final : public Source {
 public:
  FromWithin(std::unique_ptr<Source> rows, std::size_t skipped)
      : rows_(std::move(rows)), skipped_(skipped) {}
  ByteView next() override {
    const ByteView row = rows_->next();
    const std::size_t skipped = std::min(std::exchange(skipped_, 0), row.size());
    return row.subspan(skipped);
  }

 private:
  const std::unique_ptr<Source> rows_;
  std::size_t skipped_;
};

// A header's length follows from how many recipients its cover has, so under one cover all are
// equally long, and the length of the whole is known before it has been read.
class IndexStream final : public Source {
 public:
  explicit IndexStream(std::unique_ptr<storage::IndexReader> indexes)
      : indexes_(std::move(indexes)), next_(indexes_->next()) {
    if (next_) header_size_ = next_->header.size();
  }

  std::size_t header_size() const noexcept { return header_size_; }

  ByteView next() override {
    if (!next_) return {};
    if (next_->header.size() != header_size_) {
      throw Error(ErrorCode::kIntegrity, "headers of one cover differ in length");
    }
    const std::size_t size = header_size_ + next_->nonce.size() + next_->row.size();
    piece_.clear();
    append(next_->file.bytes());
    for (const int shift : {24, 16, 8, 0}) piece_.push_back(static_cast<Byte>(size >> shift));
    append(next_->header);
    append(next_->nonce);
    append(next_->row);
    next_ = indexes_->next();
    return piece_;
  }

 private:
  void append(ByteView bytes) { piece_.insert(piece_.end(), bytes.begin(), bytes.end()); }

  const std::unique_ptr<storage::IndexReader> indexes_;
  std::optional<storage::StoredIndex> next_;
  std::size_t header_size_ = 0;
  Bytes piece_;
};

constexpr std::size_t kIndexPrefix = 16 + 4;

// The next page is read, counted and recorded while this one is sent.
class FileStream final : public Source {
 public:
  FileStream(storage::Store& shelf, storage::TenantId tenant, const Uuid& delivery,
             const Uuid& after, std::uint64_t up_to, Admit admit)
      : shelf_(shelf),
        tenant_(tenant),
        delivery_(delivery),
        up_to_(up_to),
        admit_(std::move(admit)),
        page_(read(after)) {
    read_ahead();
  }

  ByteView next() override {
    for (;;) {
      if (!row_.empty()) return std::exchange(row_, {});
      if (rows_) {
        if (const ByteView row = rows_->next(); !row.empty()) return row;
        rows_.reset();
      }
      if (at_ == page_.files.files.size() && !turn_page()) return {};
      const storage::FilePage::File& file = page_.files.files[at_];
      if (!page_.admitted[at_++]) continue;
      if (file.row.empty()) {
        rows_ = shelf_.blobs().read(tenant_, file.id, 0);
      } else {
        row_ = file.row;
      }
      return head_of(file);
    }
  }

 private:
  struct Page {
    storage::FilePage files;
    std::vector<bool> admitted;
  };

  Page read(const Uuid& after) const {
    Page page{shelf_.blobs().read_files(tenant_, delivery_, after, up_to_), {}};
    std::vector<Uuid> ids;
    for (const storage::FilePage::File& file : page.files.files) ids.push_back(file.id);
    if (!ids.empty()) page.admitted = admit_(ids);
    return page;
  }

  // False if there are no more.
  bool turn_page() {
    if (!ahead_.valid()) return false;
    page_ = ahead_.get();
    at_ = 0;
    read_ahead();
    return !page_.files.files.empty();
  }

  void read_ahead() {
    if (page_.files.files.empty()) return;
    ahead_ = std::async(std::launch::async,
                        [this, last = page_.files.files.back().id] { return read(last); });
  }

  ByteView head_of(const storage::FilePage::File& file) {
    const std::uint64_t size = file.header.size() + file.payload_length;
    head_.assign(file.id.bytes().begin(), file.id.bytes().end());
    for (int shift = 56; shift >= 0; shift -= 8) head_.push_back(static_cast<Byte>(size >> shift));
    head_.insert(head_.end(), file.header.begin(), file.header.end());
    head_.insert(head_.end(), file.nonce.begin(), file.nonce.end());
    return head_;
  }

  storage::Store& shelf_;
  const storage::TenantId tenant_;
  const Uuid delivery_;
  const std::uint64_t up_to_;
  const Admit admit_;
  Page page_;
  std::size_t at_ = 0;            // of the page, the next one
  Bytes head_;                    // of the file at hand: all before its rows
  ByteView row_;                  // its only one, if that is still to come
  std::unique_ptr<Source> rows_;  // or all of them
  std::future<Page> ahead_;       // the last one: what it draws on goes after it
};

}  // namespace

std::optional<Indexes> collect_indexes(storage::Store& shelf, storage::TenantId tenant,
                                       const Uuid& id) {
  const std::optional<storage::Delivery> delivery = shelf.deliveries().find(tenant, id);
  if (!delivery || delivery->state != storage::DeliveryState::kClosed) return std::nullopt;
  auto content = std::make_unique<IndexStream>(shelf.blobs().read_indexes(tenant, id));
  std::uint64_t length = 0;
  for (const storage::FileSummary& index : delivery->indexes) {
    length += kIndexPrefix + content->header_size() + index.payload_length;
  }
  return Indexes{length, std::move(content)};
}

std::unique_ptr<Source> collect_files(storage::Store& shelf, storage::TenantId tenant,
                                      const Uuid& delivery, const Uuid& after, std::uint64_t up_to,
                                      Admit admit) {
  return std::make_unique<FileStream>(shelf, tenant, delivery, after, up_to, std::move(admit));
}

std::optional<Letter> collect(storage::Store& shelf, storage::TenantId tenant, const Uuid& id) {
  std::optional<storage::FileRecord> file = shelf.blobs().find(tenant, id);
  if (!file) return std::nullopt;
  const std::uint64_t length = file->header.size() + file->payload_length;
  std::string etag = '"' + to_hex(file->payload_sha256) + '-' + std::to_string(file->version) + '"';
  Bytes head = std::move(file->header);
  head.insert(head.end(), file->nonce.begin(), file->nonce.end());
  return Letter{file->delivery, length, std::move(etag),
                std::make_unique<WholeFile>(std::move(head), shelf.blobs().read(tenant, id, 0))};
}

std::unique_ptr<Source> collect_payload(storage::Store& shelf, storage::TenantId tenant,
                                        const storage::FileRecord& file, std::uint64_t first) {
  const std::size_t nonce = file.nonce.size();
  if (first < nonce) {
    return std::make_unique<WholeFile>(
        Bytes(file.nonce.begin() + static_cast<std::ptrdiff_t>(first), file.nonce.end()),
        shelf.blobs().read(tenant, file.id, 0));
  }
  const std::uint64_t before = first - nonce;
  return std::make_unique<FromWithin>(
      shelf.blobs().read(tenant, file.id, static_cast<std::size_t>(before / crypto::kRowSize)),
      static_cast<std::size_t>(before % crypto::kRowSize));
}

}  // namespace letterbox::gateway
