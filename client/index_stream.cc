#include "client/index_stream.h"

#include <algorithm>
#include <utility>

#include "crypto/header.h"
#include "crypto/stream.h"

namespace letterbox::client {
namespace {

FileStreamKind kind_of_indexes() {
  return {4, crypto::sealed_size(records::kMaxIndexSize), checks::kIndexes};
}

records::Index parse(ByteView plaintext) {
  try {
    return records::parse_index(plaintext);
  } catch (const Error& error) {
    throw Refused(checks::kIndexFormat, ErrorCode::kMalformed, error.what());
  }
}

}  // namespace

IndexStream::IndexStream(Source& stream, std::span<const crypto::X25519Identity> identities,
                         const VerifiedDelivery& delivery, const VerifiedCover& cover,
                         records::HeadersReader* former_headers)
    : stream_(stream, kind_of_indexes(), delivery.manifest.indexes),
      identities_(identities),
      delivery_(delivery),
      cover_(cover),
      former_headers_(former_headers),
      due_(delivery.manifest.indexes) {
  std::ranges::sort(due_, std::ranges::greater{}, &records::ManifestEntry::id);
}

std::optional<FileIndex> IndexStream::next() {
  // At the end, too: nothing may follow.
  if (!ahead_) ahead_ = stream_.next();
  if (due_.empty()) return std::nullopt;
  const records::ManifestEntry entry = due_.back();
  due_.pop_back();
  if (!ahead_ || ahead_->file != entry.id) return FileIndex{entry.id, std::nullopt};
  Bytes age_file = std::exchange(ahead_, std::nullopt)->bytes;
  if (former_headers_ != nullptr) age_file = under_former_header(entry.id, age_file);

  ViewSource source(age_file);
  OpenedFile opened(source, identities_, cover_, &delivery_.manifest.indexes, &entry.id);
  return FileIndex{entry.id, parse(read_all(opened, records::kMaxIndexSize))};
}

// Reads the headers on to those of that file: both come in the order of ids.
Bytes IndexStream::under_former_header(const Uuid& file, ByteView age_file) {
  const auto headers_of_it = [&] {
    return checked(checks::kHeaderFormat, [&] {
      return former_headers_->next_beginnings(cover_.hash(), cover_.cover().recipients.size());
    });
  };
  auto headers = headers_of_it();
  while (headers && headers->file < file) headers = headers_of_it();
  if (!headers || headers->file != file || !headers->index)
    throw Refused(checks::kIndexes, ErrorCode::kIntegrity,
                  "one has no header under the version before");
  ViewSource source(age_file);
  Bytes rest;
  const std::size_t own = read_age_header(source, rest).bytes.size();
  Bytes bytes = std::move(headers->index->header);
  const ByteView payload = age_file.subspan(own);
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

}  // namespace letterbox::client
