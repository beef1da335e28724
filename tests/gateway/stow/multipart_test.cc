// A multipart as it streams: the same parts however its bytes are cut, and none where there is
// doubt. Numbers are those of docs/hostile-inputs.md.
#include "gateway/stow/multipart.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"

namespace letterbox::gateway::stow {
namespace {

struct Part {
  std::string type;
  std::string content;
  std::string location;
  bool operator==(const Part&) const = default;
};
using Parts = std::vector<Part>;

constexpr std::size_t kMostParts = 20;

Parts parts_of(std::string_view body, std::size_t piece = SIZE_MAX,
               const std::string& boundary = "b", std::size_t most = kMostParts) {
  ViewSource source(as_bytes(body), piece);
  Multipart multipart(source, boundary, most);
  Parts parts;
  while (const auto head = multipart.next()) {
    parts.push_back({head->type.name, std::string(as_text(read_all(multipart.content(), SIZE_MAX))),
                     head->location});
  }
  EXPECT_FALSE(multipart.next()) << "the end isn't the end";
  return parts;
}

// What is refused is refused however it is cut.
ErrorCode refusal(std::string_view body, const std::string& boundary = "b",
                  std::size_t most = kMostParts) {
  std::vector<ErrorCode> codes;
  for (const std::size_t piece : {SIZE_MAX, std::size_t{1}, std::size_t{7}}) {
    try {
      parts_of(body, piece, boundary, most);
      ADD_FAILURE() << "was taken";
      return ErrorCode::kInternal;
    } catch (const Error& error) {
      codes.push_back(error.code());
    }
  }
  EXPECT_EQ(codes[0], codes[1]);
  EXPECT_EQ(codes[0], codes[2]);
  return codes[0];
}

const std::string kOne = "--b\r\nContent-Type: application/dicom\r\n\r\ncontent\r\n--b--\r\n";

TEST(Multipart, GivesItsPartsInOrder) {
  EXPECT_EQ(
      parts_of(
          "--b\r\nContent-Type: application/dicom\r\nContent-Location: here\r\n\r\none\r\n"
          "--b\r\ncontent-type:application/dicom;transfer-syntax=1.2\r\n\r\n\r\ntwo\r\n\r\n--b--"),
      (Parts{{"application/dicom", "one", "here"}, {"application/dicom", "\r\ntwo\r\n", ""}}));
}

TEST(Multipart, TakesPreambleEpilogueAndPadding) {
  EXPECT_EQ(
      parts_of("not a part --b\r\n--c\r\n--b \t\r\n\r\nx\r\n--b--  \r\nnor --b this\r\n--b\r\n"),
      (Parts{{"text/plain", "x", ""}}));
}

TEST(Multipart, APartMayBeEmpty) {
  const Parts empty = {{"application/dicom", "", ""}};
  EXPECT_EQ(parts_of("--b\r\nContent-Type: application/dicom\r\n\r\n\r\n--b--"), empty);
  EXPECT_EQ(parts_of("--b\r\nContent-Type: application/dicom\r\n\r\n--b--"), empty);
}

TEST(Multipart, AFieldMayBeFolded) {
  EXPECT_EQ(
      parts_of(
          "--b\r\nContent-Type: application/dicom;\r\n\ttransfer-syntax=1.2\r\n\r\nx\r\n--b--"),
      (Parts{{"application/dicom", "x", ""}}));
}

TEST(Multipart, WhatIsntReadIsPassedOver) {
  const std::string body =
      "--b\r\n\r\n" + std::string(1000, 'x') + "\r\n--b\r\n\r\nsecond\r\n--b--";
  ViewSource source(as_bytes(body), 10);
  Multipart multipart(source, "b", 2);
  EXPECT_TRUE(multipart.next());
  EXPECT_EQ(as_text(multipart.content().next()).size(), 3U) << "what the piece has after the head";
  EXPECT_TRUE(multipart.next());
  EXPECT_EQ(as_text(read_all(multipart.content(), SIZE_MAX)), "second");
  EXPECT_TRUE(multipart.content().next().empty()) << "it stays at its end";
  EXPECT_FALSE(multipart.next());
}

TEST(Multipart, TheEpilogueIsReadToTheBodysEnd) {
  class Broken final : public Source {
   public:
    ByteView next() override {
      if (first_.empty()) throw Error(ErrorCode::kUnauthenticated, "another body than was signed");
      const ByteView piece = as_bytes(first_);
      first_ = {};
      return piece;
    }
    std::string_view first_ = kOne;
  };
  Broken body;
  Multipart multipart(body, "b", 1);
  ASSERT_TRUE(multipart.next());
  EXPECT_THROW(multipart.next(), Error);
  EXPECT_TRUE(multipart.failed());
}

TEST(MultipartHostile, Case63NoBoundary) {
  EXPECT_EQ(refusal(kOne, ""), ErrorCode::kMalformed);
}

TEST(MultipartHostile, Case64BoundaryOf71Characters) {
  const std::string longest(70, 'b');
  const std::string body = "--" + longest + "\r\n\r\nx\r\n--" + longest + "--";
  EXPECT_EQ(parts_of(body, SIZE_MAX, longest).size(), 1U);
  EXPECT_EQ(refusal(body, longest + "b"), ErrorCode::kMalformed);
}

TEST(MultipartHostile, Case65BoundaryOf4KB) {
  EXPECT_EQ(refusal(kOne, std::string(4096, 'b')), ErrorCode::kMalformed);
}

TEST(MultipartHostile, ABoundaryOfOtherCharacters) {
  for (const char* boundary : {"b\r\n", "b ", "b\"", "b@", "\xc3\xa4"}) {
    EXPECT_EQ(refusal(kOne, boundary), ErrorCode::kMalformed);
  }
}

TEST(MultipartHostile, Case66MorePartsThanAllowed) {
  std::string body;
  for (int i = 0; i < 3; ++i) body += "--b\r\n\r\n\r\n";
  body += "--b--";
  EXPECT_EQ(parts_of(body, SIZE_MAX, "b", 3).size(), 3U);
  EXPECT_EQ(refusal(body, "b", 2), ErrorCode::kTooLarge);
}

TEST(MultipartHostile, Case67PartHeadOf10KB) {
  const std::string head = "X: " + std::string(Multipart::kMaxHeadBytes - 7, 'x') + "\r\n\r\n";
  ASSERT_EQ(head.size(), Multipart::kMaxHeadBytes);
  EXPECT_EQ(parts_of("--b\r\n" + head + "\r\n--b--").size(), 1U);
  EXPECT_EQ(refusal("--b\r\nX" + head + "\r\n--b--"), ErrorCode::kFieldsTooLarge);
  std::string many = "--b\r\n";
  for (int i = 0; i < 3000; ++i) many += "X:\r\n";
  EXPECT_EQ(refusal(many + "\r\n\r\n--b--"), ErrorCode::kFieldsTooLarge);
}

TEST(MultipartHostile, Case68NoFinalBoundary) {
  const std::string body = "--b\r\nContent-Type: application/dicom\r\n\r\ncontent\r\n--b--";
  for (std::size_t size = 1; size < body.size(); ++size) {
    EXPECT_EQ(refusal(body.substr(0, size)), ErrorCode::kTruncatedBody) << size;
  }
}

TEST(MultipartHostile, Case69TheBoundarysTextWithinContent) {
  for (const char* content : {"--b", "x--b--", "\n--b\n", "\r--b", "\r\n-b", "\r\n -b", "\r\n\r\n-",
                              "\r\r\n-", "\r\n--", "--b\r\n"}) {
    const std::string body = "--b\r\n\r\n" + std::string("x") + content + "\r\n--b--";
    for (std::size_t piece = 1; piece <= body.size(); ++piece) {
      ASSERT_EQ(parts_of(body, piece), (Parts{{"text/plain", std::string("x") + content, ""}}))
          << piece;
    }
  }
}

TEST(MultipartHostile, Case70TheBoundaryCutAtEveryOffset) {
  const std::string body =
      "--b\r\nContent-Type: application/dicom\r\n\r\none\r\n-\r\n--b\r\n\r\n\r\n\r\n--b--\r\n";
  const Parts expected = parts_of(body);
  ASSERT_EQ(expected, (Parts{{"application/dicom", "one\r\n-", ""}, {"text/plain", "\r\n", ""}}));
  class Cut final : public Source {
   public:
    Cut(std::string_view body, std::size_t at)
        : pieces_{Bytes(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(at)),
                  Bytes(body.begin() + static_cast<std::ptrdiff_t>(at), body.end())} {}
    ByteView next() override {
      if (given_ > 0) pieces_[given_ - 1].assign(pieces_[given_ - 1].size(), '!');  // it is gone
      return given_ < 2 ? ByteView(pieces_[given_++]) : ByteView();
    }

   private:
    std::array<Bytes, 2> pieces_;
    std::size_t given_ = 0;
  };
  for (std::size_t at = 1; at < body.size(); ++at) {
    Cut source(body, at);
    Multipart multipart(source, "b", 2);
    Parts parts;
    while (const auto head = multipart.next()) {
      parts.push_back(
          {head->type.name, std::string(as_text(read_all(multipart.content(), SIZE_MAX))), ""});
    }
    EXPECT_EQ(parts, expected) << at;
  }
  for (std::size_t piece = 1; piece < body.size(); ++piece)
    EXPECT_EQ(parts_of(body, piece), expected);
}

TEST(MultipartHostile, Case71NestedMultipart) {
  EXPECT_EQ(refusal("--b\r\nContent-Type: Multipart/Mixed; boundary=c\r\n\r\nx\r\n--b--"),
            ErrorCode::kMalformed);
}

TEST(MultipartHostile, Case72NoPart) {
  EXPECT_EQ(refusal("--b--\r\n"), ErrorCode::kMalformed);
  EXPECT_EQ(refusal(""), ErrorCode::kTruncatedBody);
}

TEST(MultipartHostile, Case73AFileNameIsIgnored) {
  EXPECT_EQ(parts_of("--b\r\nContent-Disposition: attachment; filename=../../x\r\n\r\nx\r\n--b--"),
            (Parts{{"text/plain", "x", ""}}));
}

TEST(MultipartHostile, Case76APartSaysWhatItIs) {
  EXPECT_EQ(parts_of("--b\r\nContent-Type: text/html\r\n\r\nx\r\n--b--")[0].type, "text/html")
      << "and whoever asked refuses it";
  EXPECT_EQ(parts_of("--b\r\n\r\nx\r\n--b--")[0].type, "text/plain");
}

TEST(MultipartHostile, WhatFollowsABoundaryOnItsLine) {
  for (const char* line : {"x", "-", "-x", "--x", " x", "\n", "\r\r\n", "-\r\n"}) {
    EXPECT_EQ(refusal("--b\r\n\r\ncontent\r\n--b" + std::string(line) + "\r\n\r\nx\r\n--b--"),
              ErrorCode::kMalformed)
        << line;
  }
  EXPECT_EQ(refusal("--b" + std::string(300, ' ') + "\r\n\r\nx\r\n--b--"), ErrorCode::kMalformed);
}

TEST(MultipartHostile, HeadsThatTwoReadersReadDifferently) {
  const std::vector<std::string> heads = {"Content-Type: a/b\nX: y\r\n",
                                          "Content-Type: a/b\rX: y\r\n",
                                          std::string("Content-Type: a/b\0\r\n", 20),
                                          "Content-Type: a/b\r\nContent-Type: c/d\r\n",
                                          "Content-Type : a/b\r\n",
                                          "Content-Type a/b\r\n",
                                          ": a/b\r\n",
                                          " Content-Type: a/b\r\n",
                                          "Content-Type: nonsense\r\n",
                                          "--b\r\n"};
  for (const std::string& head : heads) {
    EXPECT_EQ(refusal("--b\r\n" + head + "\r\nx\r\n--b--"), ErrorCode::kMalformed) << head;
  }
}

TEST(MultipartHostile, AnEncodedPart) {
  for (const char* field : {"Content-Transfer-Encoding: base64", "Content-Encoding: gzip"}) {
    EXPECT_EQ(refusal("--b\r\n" + std::string(field) + "\r\n\r\nx\r\n--b--"),
              ErrorCode::kUnsupportedMediaType);
  }
  EXPECT_EQ(parts_of("--b\r\nContent-Transfer-Encoding: BINARY\r\n\r\nx\r\n--b--").size(), 1U);
}

}  // namespace
}  // namespace letterbox::gateway::stow
