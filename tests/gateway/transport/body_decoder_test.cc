#include "gateway/transport/body_decoder.h"

#include <gtest/gtest.h>

#include <string>

#include "gateway/transport/refusal.h"

namespace letterbox::gateway::transport {
namespace {

const Limits kLimits{.header_bytes = 1024, .body_bytes = 1 << 20};

RequestHead chunked() {
  RequestHead head;
  head.framing = BodyFraming::kChunked;
  return head;
}

RequestHead of_length(std::uint64_t length) {
  RequestHead head;
  head.framing = BodyFraming::kContentLength;
  head.content_length = length;
  return head;
}

struct Decoded {
  std::string content;
  std::string rest;
  bool complete = false;
  bool operator==(const Decoded&) const = default;
};

/// Feeds `bytes` in pieces of at most `step`.
Decoded decode(const RequestHead& head, std::string bytes, std::size_t step) {
  BodyDecoder decoder(head, kLimits);
  Decoded decoded;
  while (!bytes.empty() && !decoder.complete()) {
    Bytes piece(bytes.begin(),
                bytes.begin() + static_cast<std::ptrdiff_t>(std::min(step, bytes.size())));
    const auto [content, taken] = decoder.decode(piece);
    decoded.content += as_text(ByteView(piece).first(content));
    bytes.erase(0, taken);
  }
  decoded.rest = bytes;
  decoded.complete = decoder.complete();
  return decoded;
}

int refusal_of(const std::string& bytes) {
  try {
    decode(chunked(), bytes, SIZE_MAX);
    return 0;
  } catch (const Refusal& refusal) {
    return refusal.status();
  }
}

TEST(BodyDecoder, NoBodyIsCompleteFromTheStart) {
  EXPECT_TRUE(BodyDecoder(RequestHead(), kLimits).complete());
}

TEST(BodyDecoder, ContentLengthTakesThatMuchAndLeavesTheRest) {
  for (const std::size_t step : {1UL, 2UL, 3UL, 100UL}) {
    EXPECT_EQ(decode(of_length(5), "helloGET /", step), (Decoded{"hello", "GET /", true}));
  }
  EXPECT_EQ(decode(of_length(5), "hel", 100), (Decoded{"hel", "", false}));
}

TEST(BodyDecoder, ChunksAreReadWhereverTheyAreCut) {
  const std::string bytes =
      "5\r\nhello\r\n00A;name=\"value\"\r\n, world of\r\n1\r\n!\r\n0\r\nTrailer: x\r\n\r\nGET /";
  const Decoded expected{"hello, world of!", "GET /", true};
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    EXPECT_EQ(decode(chunked(), bytes, step), expected) << step;
  }
}

TEST(BodyDecoder, Case12_AChunkedBodyCutAnywhereIsNotComplete) {
  const std::string bytes = "5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n";
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode(chunked(), bytes.substr(0, size), SIZE_MAX).complete) << size;
  }
}

TEST(BodyDecoder, Case01To07_ChunkSizesAreUpTo16HexadecimalDigits) {
  for (const char* size : {"-1", "-2", "ZZZ", "0x5", "", " 5", "5 ", "+5", "5g", "\t5", "_"}) {
    EXPECT_EQ(refusal_of(std::string(size) + "\r\nhello\r\n"), 400) << size;
  }
  EXPECT_EQ(refusal_of("00000000000000005\r\nhello\r\n"), 400);
  EXPECT_EQ(refusal_of("0000000000000005\r\nhello\r\n"), 0);
  EXPECT_EQ(refusal_of("7fffffff\r\n"), 413);
  EXPECT_EQ(refusal_of("ffffffff\r\n"), 413);
  EXPECT_EQ(refusal_of("ffffffffffffffff\r\n"), 413);
}

TEST(BodyDecoder, Case08And09_LinesEndWithCrLf) {
  EXPECT_EQ(refusal_of("5\nhello\r\n"), 400);
  EXPECT_EQ(refusal_of("5\rhello\r\n"), 400);
  EXPECT_EQ(refusal_of("5\r\nhello\n"), 400);
  EXPECT_EQ(refusal_of("5\r\nhello!"), 400);
  EXPECT_EQ(refusal_of("5\r\nhello\r!"), 400);
  EXPECT_EQ(refusal_of("5;x\nhello\r\n"), 400);
  EXPECT_EQ(refusal_of("0\r\n\n"), 400);
  EXPECT_EQ(refusal_of("0\r\n\r!"), 400);
  EXPECT_EQ(refusal_of("0\r\nX: y\n\r\n"), 400);
}

TEST(BodyDecoder, Case10_ExtensionsAreBoundedOverTheWholeBody) {
  EXPECT_EQ(refusal_of("5;" + std::string(4096, 'x') + "\r\nhello\r\n"), 0);
  EXPECT_EQ(refusal_of("5;" + std::string(4097, 'x')), 400);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "1;xxxxx\r\na\r\n";
  EXPECT_EQ(refusal_of(many), 400);
  EXPECT_EQ(refusal_of(std::string("5;a\0b\r\nhello\r\n", 14)), 400);
}

TEST(BodyDecoder, Case11_TrailersAreBounded) {
  EXPECT_EQ(refusal_of("0\r\n" + std::string(1025, 'x')), 431);
  std::string many = "0\r\n";
  for (int i = 0; i < 1000; ++i) many += "X: y\r\n";
  EXPECT_EQ(refusal_of(many), 431);
}

TEST(BodyDecoder, Case13_ManySmallChunksReachTheLimit) {
  std::string bytes;
  for (int i = 0; i <= 1 << 20; ++i) bytes += "1\r\nx\r\n";
  EXPECT_EQ(refusal_of(bytes), 413);
}

}  // namespace
}  // namespace letterbox::gateway::transport
