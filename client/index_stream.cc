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
                         const VerifiedDelivery& delivery)
    : stream_(stream),
      identities_(identities),
      delivery_(delivery),
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
  const Bytes age_file = take(length);
  if (age_file.size() != length) refuse("the last one is cut off");

  ViewSource source(age_file);
  OpenedFile opened(source, identities_, delivery_.cover, &delivery_.manifest.indexes, &entry.id);
  return FileIndex{entry.id, parse(read_all(opened, records::kMaxIndexSize))};
}

std::optional<IndexStream::Frame> IndexStream::take_frame() {
  const Bytes bytes = take(kFrameSize);
  if (bytes.empty()) return std::nullopt;
  if (bytes.size() != kFrameSize) refuse("the last one is cut off");
  std::uint32_t length = 0;
  for (const Byte byte : ByteView(bytes).subspan(kIdSize)) length = length << 8 | byte;
  return Frame{Uuid::from_bytes(ByteView(bytes).first<kIdSize>()), length};
}

Bytes IndexStream::take(std::size_t size) {
  Bytes bytes;
  bytes.reserve(size);
  while (bytes.size() < size) {
    if (ahead_.empty()) {
      ahead_ = stream_.next();
      if (ahead_.empty()) break;
    }
    const ByteView piece = ahead_.first(std::min(ahead_.size(), size - bytes.size()));
    bytes.insert(bytes.end(), piece.begin(), piece.end());
    ahead_ = ahead_.subspan(piece.size());
  }
  return bytes;
}

void fetch_indexes(Caller& us, const VerifiedDelivery& delivery,
                   const std::function<bool(FileIndex)>& take) {
  if (delivery.manifest.indexes.empty()) return;
  const std::string id = delivery.manifest.delivery.text();
  const auto stream = us.gateway().download("/v1/deliveries/" + id + "/index");
  IndexStream indexes(*stream, us.keys().identities, delivery);
  for (auto index = indexes.next(); index; index = indexes.next())
    if (!take(std::move(*index))) return;
}

}  // namespace letterbox::client
