#include "client/index_stream.h"

#include <algorithm>
#include <utility>

#include "crypto/header.h"
#include "crypto/stream.h"

namespace letterbox::client {
namespace {

constexpr std::size_t kIdSize = 16;
constexpr std::size_t kFrameSize = kIdSize + 4;  // and the length

[[noreturn]] void refuse(const char* detail) {
  throw Refused(checks::kIndexes, ErrorCode::kIntegrity, detail);
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
    : stream_(stream),
      identities_(identities),
      delivery_(delivery),
      cover_(cover),
      former_headers_(former_headers),
      due_(delivery.manifest.indexes) {
  std::ranges::sort(due_, std::ranges::greater{}, &records::ManifestEntry::id);
}

std::optional<FileIndex> IndexStream::next() {
  if (!frame_) frame_ = take_frame();
  if (due_.empty()) {
    if (frame_) refuse("more come than the manifest lists");
    return std::nullopt;
  }
  const records::ManifestEntry entry = due_.back();
  due_.pop_back();
  if (!frame_ || frame_->file > entry.id) return FileIndex{entry.id, std::nullopt};
  if (frame_->file != entry.id)
    refuse("one comes that the manifest doesn't list, or that comes out of its order");
  const std::uint32_t length = std::exchange(frame_, std::nullopt)->length;
  if (entry.length > crypto::sealed_size(records::kMaxIndexSize) ||
      length > crypto::kMaxHeaderSize + entry.length)
    refuse("one is larger than an index can be");
  Bytes age_file = stream_.take(length);
  if (age_file.size() != length) refuse("the last one is cut off");
  if (former_headers_ != nullptr) age_file = under_former_header(entry.id, age_file);

  ViewSource source(age_file);
  OpenedFile opened(source, identities_, cover_, &delivery_.manifest.indexes, &entry.id);
  return FileIndex{entry.id, parse(read_all(opened, records::kMaxIndexSize))};
}

std::optional<IndexStream::Frame> IndexStream::take_frame() {
  const Bytes bytes = stream_.take(kFrameSize);
  if (bytes.empty()) return std::nullopt;
  if (bytes.size() != kFrameSize) refuse("the last one is cut off");
  return Frame{Uuid::from_bytes(ByteView(bytes).first<kIdSize>()),
               records::number_in(ByteView(bytes).last<4>())};
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
    refuse("one has no header under the version before");
  ViewSource source(age_file);
  Bytes rest;
  const std::size_t own = read_age_header(source, rest).bytes.size();
  Bytes bytes = std::move(headers->index->header);
  const ByteView payload = age_file.subspan(own);
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

}  // namespace letterbox::client
