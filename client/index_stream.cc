#include "client/index_stream.h"

#include <algorithm>
#include <functional>

#include "crypto/header.h"
#include "crypto/stream.h"

namespace letterbox::client {
namespace {

constexpr std::size_t kFrameSize = 16 + 4;  // file id, length

std::uint32_t length_in(ByteView frame) {
  std::uint32_t length = 0;
  for (const Byte byte : frame.subspan(16)) length = length << 8 | byte;
  return length;
}

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
  const Bytes frame = take(kFrameSize);
  if (frame.empty() && due_.empty()) return std::nullopt;
  if (due_.empty()) refuse("more come than the manifest lists");
  const Uuid file = due_.back().id;
  const std::uint64_t payload = due_.back().length;
  if (frame.size() != kFrameSize || !std::ranges::equal(ByteView(frame).first(16), file.bytes()))
    refuse("one that the manifest lists isn't there, or another one is in its place");
  const std::uint32_t length = length_in(frame);
  if (payload > crypto::sealed_size(records::kMaxIndexSize) ||
      length > crypto::kMaxHeaderSize + payload)
    refuse("one is larger than an index can be");
  const Bytes age_file = take(length);
  if (age_file.size() != length) refuse("the last one is cut off");

  ViewSource source(age_file);
  OpenedFile opened(source, identities_, delivery_.cover, &delivery_.manifest.indexes, &file);
  records::Index index = parse(read_all(opened, records::kMaxIndexSize));
  due_.pop_back();
  return FileIndex{file, std::move(index)};
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
  const auto stream = [&] {
    try {
      return us.gateway().download("/v1/deliveries/" + id + "/index");
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kNotFound) throw;
      refuse("the gateway doesn't have them");
    }
  }();
  IndexStream indexes(*stream, us.keys().identities, delivery);
  for (auto index = indexes.next(); index; index = indexes.next())
    if (!take(std::move(*index))) return;
}

}  // namespace letterbox::client
