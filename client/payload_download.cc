#include "client/payload_download.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/error.h"
#include "client/parallel.h"

namespace letterbox::client {

PayloadDownload::PayloadDownload(GatewayConnection& gateway, const records::ManifestEntry& entry,
                                 PartialDownload* partial, std::stop_token stop)
    : gateway_(gateway), entry_(entry), partial_(partial), stop_(std::move(stop)) {
  if (partial_ != nullptr) earlier_.emplace(partial_->read());
}

ByteView PayloadDownload::next() {
  go_on_unless(stop_);
  if (earlier_) {
    const ByteView piece = earlier_->next();
    at_ += piece.size();
    if (!piece.empty()) return piece;
    earlier_.reset();
  }
  const ByteView piece = next_from_gateway();
  if (partial_ != nullptr) partial_->append(piece);
  at_ += piece.size();
  return piece;
}

ByteView PayloadDownload::next_from_gateway() {
  while (true) {
    try {
      if (!rest_) {
        if (at_ == entry_.length) return {};
        ask();
      }
      ByteView piece = rest_->next();
      const bool is_end = piece.empty();
      const std::size_t known = std::min<std::uint64_t>(piece.size(), at_ - skipped_);
      piece = piece.subspan(known);
      skipped_ += known;
      if (is_end) return {};
      if (piece.empty()) continue;
      skipped_ += piece.size();
      patience_.restore();
      return piece;
    } catch (const Error& error) {
      rest_.reset();
      patience_.wait_or_rethrow(error.code());
    }
  }
}

// RFC 9110 sections 13.1.5 and 14.2: the rest, if the payload is the one that the manifest lists;
// else, or where somebody on the way knows no ranges, all of it comes.
void PayloadDownload::ask() {
  const std::string target = "/v1/files/" + entry_.id.text() + "/payload";
  if (at_ == 0) {
    rest_ = gateway_.download(target);
    return;
  }
  const std::string from = std::to_string(at_) + "-";
  Download download = gateway_.download(
      target, {{"Range", "bytes=" + from}, {"If-Range", '"' + to_hex(entry_.sha256) + '"'}});
  const bool is_rest = download.head.status() == 206;
  if (is_rest && !download.head.field("content-range").starts_with("bytes " + from))
    throw Error(ErrorCode::kMalformed, "the gateway answers with another range of bytes");
  skipped_ = is_rest ? at_ : 0;
  rest_ = std::move(download.body);
}

}  // namespace letterbox::client
