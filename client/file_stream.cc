#include "client/file_stream.h"

#include <algorithm>
#include <utility>

#include "crypto/header.h"

namespace letterbox::client {
namespace {

constexpr std::size_t kIdSize = 16;

std::uint64_t number_in(ByteView bytes) {
  std::uint64_t number = 0;
  for (const Byte byte : bytes) number = number << 8 | byte;
  return number;
}

}  // namespace

FileStream::FileStream(Source& stream, const FileStreamKind& kind, ManifestEntries due)
    : stream_(stream), kind_(kind), due_(std::move(due)) {
  std::ranges::sort(due_, std::ranges::greater{}, &records::ManifestEntry::id);
}

std::optional<AgeFile> FileStream::next() {
  const Bytes frame = stream_.take(kIdSize + kind_.length_size);
  if (frame.empty()) return std::nullopt;
  if (frame.size() != kIdSize + kind_.length_size) refuse("the last one is cut off");
  const Uuid file = Uuid::from_bytes(ByteView(frame).first<kIdSize>());
  const std::uint64_t length = number_in(ByteView(frame).subspan(kIdSize));

  while (!due_.empty() && due_.back().id < file) due_.pop_back();
  if (due_.empty() || due_.back().id != file)
    refuse("one comes that isn't due, or that comes out of its order");
  const std::uint64_t payload = due_.back().length;
  due_.pop_back();
  // Before so much is taken: the length is anybody's word, and the manifest's only its sender's.
  if (payload > kind_.largest_payload || length > crypto::kMaxHeaderSize + payload)
    refuse("one is longer than it can be");
  Bytes age_file = stream_.take(length);
  if (age_file.size() != length) refuse("the last one is cut off");
  return AgeFile{file, std::move(age_file)};
}

void FileStream::refuse(const char* detail) const {
  throw Refused(kind_.check, ErrorCode::kIntegrity, detail);
}

}  // namespace letterbox::client
