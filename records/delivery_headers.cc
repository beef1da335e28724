#include "records/delivery_headers.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "crypto/header.h"

namespace letterbox::records {

namespace {

constexpr std::size_t kIdSize = 16;
constexpr std::size_t kLengthSize = 4;

[[noreturn]] void refuse(const char* why) {
  throw Error(ErrorCode::kMalformed, std::string("the headers of a delivery ") + why);
}

Bytes take(FrameReader& frames, std::size_t size) {
  Bytes bytes = frames.take(size);
  if (bytes.size() != size) refuse("end in the middle");
  return bytes;
}

std::uint32_t take_length(FrameReader& frames) {
  return number_in(ByteView(take(frames, kLengthSize)).first<kLengthSize>());
}

void append_framed(Bytes& frame, ByteView content) {
  append_number(frame, static_cast<std::uint32_t>(content.size()));
  frame.insert(frame.end(), content.begin(), content.end());
}

}  // namespace

Envelope HeadersReader::cover() {
  const std::size_t length = take_length(frames_);
  if (length > kMaxCoverFrame)
    throw Error(ErrorCode::kTooLarge, "the cover of a recipients change is larger than 1 MiB");
  return parse_envelope(as_text(take(frames_, length)));
}

std::optional<FileHeaders> HeadersReader::next(const crypto::CoverHash& cover,
                                               std::size_t recipients) {
  const auto file = next_file();
  if (!file) return std::nullopt;
  Bytes header = take_header(cover, recipients, false, nullptr);
  return FileHeaders{*file, std::move(header), take_header(cover, recipients, true, nullptr)};
}

std::optional<FileBeginnings> HeadersReader::next_beginnings(const crypto::CoverHash& cover,
                                                             std::size_t recipients) {
  const auto file = next_file();
  if (!file) return std::nullopt;
  FileBeginnings beginnings{*file, {}, std::nullopt};
  beginnings.payload.header = take_header(cover, recipients, false, &beginnings.payload.nonce);
  Beginning index;
  index.header = take_header(cover, recipients, true, &index.nonce);
  if (!index.header.empty()) beginnings.index = std::move(index);
  return beginnings;
}

std::optional<Uuid> HeadersReader::next_file() {
  const Bytes id = frames_.take(kIdSize);
  if (id.empty()) return std::nullopt;
  if (id.size() != kIdSize) refuse("end in the middle");
  const Uuid file = Uuid::from_bytes(ByteView(id).first<kIdSize>());
  if (last_ && file <= *last_) refuse("come twice, or out of the order of their ids");
  last_ = file;
  return file;
}

Bytes HeadersReader::take_header(const crypto::CoverHash& cover, std::size_t recipients,
                                 bool may_lack, crypto::PayloadNonce* nonce) {
  const std::size_t length = take_length(frames_);
  if (may_lack && length == 0) return {};
  // Before so much is taken: whatever the length says, no more comes in than a header may have.
  const std::size_t size = crypto::header_size(recipients);
  if (length != size + (nonce != nullptr ? nonce->size() : 0))
    refuse("aren't as long as the cover's must be");
  Bytes bytes = take(frames_, size);
  if (nonce != nullptr) std::ranges::copy(take(frames_, nonce->size()), nonce->begin());
  crypto::screen_header(crypto::parse_header(bytes), cover, recipients);
  return bytes;
}

Bytes cover_frame(const Envelope& cover) {
  const std::string json = to_json(cover);
  if (json.size() > kMaxCoverFrame)
    throw Error(ErrorCode::kTooLarge, "the cover is larger than 1 MiB");
  Bytes frame;
  append_framed(frame, as_bytes(json));
  return frame;
}

Bytes headers_frame(const FileHeaders& headers) {
  Bytes frame(headers.file.bytes().begin(), headers.file.bytes().end());
  append_framed(frame, headers.header);
  append_framed(frame, headers.index_header);
  return frame;
}

Bytes beginnings_frame(const FileBeginnings& beginnings) {
  const auto joined = [](const Beginning& beginning) {
    Bytes bytes = beginning.header;
    bytes.insert(bytes.end(), beginning.nonce.begin(), beginning.nonce.end());
    return bytes;
  };
  return headers_frame({beginnings.file, joined(beginnings.payload),
                        beginnings.index ? joined(*beginnings.index) : Bytes()});
}

}  // namespace letterbox::records
