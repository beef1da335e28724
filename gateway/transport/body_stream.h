// A Source as a stream of cpprestsdk, and the other way round.
#pragma once

#include <cpprest/streams.h>

#include <memory>

#include "base/bytes.h"

namespace letterbox::gateway::transport {

/// What extract_string(), extract_json() and their kin may collect of a request's body. A handler
/// that takes more pulls it: see body_of().
inline constexpr std::size_t kMostExtracted = 1024UL * 1024;

/// A stream that pulls from `source` as it is read, and blocks while it does. Asked how many bytes
/// are there, as cpprestsdk's extract functions ask, it collects them all, up to kMostExtracted;
/// above that the Error is kTooLarge.
concurrency::streams::istream stream_over(std::shared_ptr<Source> source);

/// A Source that reads `stream` to its end.
class StreamSource final : public Source {
 public:
  explicit StreamSource(const concurrency::streams::istream& stream)
      : buffer_(stream.streambuf()), piece_(kPieceBytes) {}
  ByteView next() override;

 private:
  static constexpr std::size_t kPieceBytes = 64UL * 1024;
  concurrency::streams::streambuf<Byte> buffer_;
  Bytes piece_;
};

}  // namespace letterbox::gateway::transport
