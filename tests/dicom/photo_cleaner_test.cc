#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "dicom/photo/cleaner.h"
#include "dicom/photo/exif.h"
#include "dicom/photo/jpeg.h"

namespace letterbox::dicom {
namespace {

using namespace std::string_literals;
using testing::TestWithParam;

Bytes bytes_of(std::string_view text) {
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

Bytes joined(const std::vector<Bytes>& parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Bytes big_endian(std::uint32_t number, int size) {
  Bytes bytes;
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8)
    bytes.push_back(static_cast<Byte>(number >> shift));
  return bytes;
}

// JPEG, part by part

const Bytes kStart = {0xff, 0xd8};
const Bytes kEnd = {0xff, 0xd9};

Bytes segment(Byte marker, const Bytes& content) {
  return joined(
      {{0xff, marker}, big_endian(static_cast<std::uint32_t>(content.size() + 2), 2), content});
}

Bytes quantization(Byte table = 0) {
  return segment(0xdb, joined({{table}, Bytes((table & 0x10) != 0 ? 128 : 64, 1)}));
}

// One code of one bit.
Bytes huffman(Byte table) {
  Bytes content(18, 0);
  content[0] = table;
  content[1] = 1;
  return segment(0xc4, content);
}

Bytes frame(Byte marker = 0xc0, std::uint32_t width = 8, std::uint32_t height = 8) {
  return segment(marker,
                 joined({{8}, big_endian(height, 2), big_endian(width, 2), {1, 1, 0x11, 0}}));
}

Bytes scan(Byte spectral_start = 0, Byte approximation = 0) {
  return segment(0xda, {1, 1, 0, spectral_start, 63, approximation});
}

const Bytes kTables = joined({quantization(), huffman(0x00), huffman(0x10)});
const Bytes kCoded = {0x12, 0xff, 0x00, 0x34, 0xff, 0xd0, 0x56, 0xff, 0x00};

Bytes jpeg(const Bytes& in_front = {}) {
  return joined({kStart, in_front, kTables, frame(), scan(), kCoded, kEnd});
}

// PNG, chunk by chunk. A check sum of its own (ISO/IEC 15948 annex D), a bit at a time.

std::uint32_t crc(const Bytes& bytes) {
  std::uint32_t sum = 0xffffffff;
  for (const Byte byte : bytes) {
    sum ^= byte;
    for (int i = 0; i < 8; ++i) sum = (sum & 1) != 0 ? 0xedb88320 ^ sum >> 1 : sum >> 1;
  }
  return ~sum;
}

const Bytes kSignature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

Bytes chunk(std::string_view type, const Bytes& content = {}) {
  const Bytes summed = joined({bytes_of(type), content});
  return joined({big_endian(static_cast<std::uint32_t>(content.size()), 4), summed,
                 big_endian(crc(summed), 4)});
}

Bytes header(Byte depth = 8, Byte colour = 2, std::uint32_t width = 8, std::uint32_t height = 8) {
  return chunk("IHDR",
               joined({big_endian(width, 4), big_endian(height, 4), {depth, colour, 0, 0, 0}}));
}

const Bytes kImageData = chunk("IDAT", {1, 2, 3, 4});

Bytes png(const Bytes& in_front = {}) {
  return joined({kSignature, header(), in_front, kImageData, chunk("IEND")});
}

// TIFF, as EXIF is

struct Entry {
  std::uint16_t tag;
  std::uint16_t type;
  std::uint32_t count;
  std::uint32_t value;
};

class TiffWriter {
 public:
  explicit TiffWriter(bool little) : little_(little), bytes_(bytes_of(little ? "II" : "MM")) {
    put(42, 2);
  }
  TiffWriter& put(std::uint32_t number, int size) {
    Bytes bytes = big_endian(number, size);
    if (little_) std::reverse(bytes.begin(), bytes.end());
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  TiffWriter& directory(const std::vector<Entry>& entries, std::uint32_t next) {
    put(static_cast<std::uint32_t>(entries.size()), 2);
    for (const Entry& entry : entries) {
      put(entry.tag, 2).put(entry.type, 2).put(entry.count, 4);
      if (entry.type == 3) {
        put(entry.value, 2).put(0, 2);
      } else {
        put(entry.value, 4);
      }
    }
    return put(next, 4);
  }
  const Bytes& bytes() const { return bytes_; }

 private:
  bool little_;
  Bytes bytes_;
};

Bytes exif_segment(const Bytes& tiff) {
  return segment(0xe1, joined({bytes_of("Exif\0\0"s), tiff}));
}

// What comes of them

struct Cleaned {
  Bytes bytes;
  Finding finding;
};

Cleaned cleaned(MediaType type, const Bytes& photo, std::size_t piece = SIZE_MAX) {
  ViewSource source(photo, piece);
  const auto intake = clean_photo(type, source);
  Bytes bytes = read_all(*intake, 1'000'000);
  return {std::move(bytes), intake->finding()};
}

std::string refusal(MediaType type, const Bytes& photo, std::size_t piece = SIZE_MAX) {
  try {
    cleaned(type, photo, piece);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotWhatItClaims);
    return error.what();
  }
  return "";
}

TEST(PhotoCleanerTest, LetsAPictureThroughByteForByte) {
  for (const std::size_t piece : {SIZE_MAX, std::size_t{1}, std::size_t{2}, std::size_t{5}}) {
    EXPECT_EQ(cleaned(MediaType::kJpeg, jpeg(), piece).bytes, jpeg());
    EXPECT_EQ(cleaned(MediaType::kPng, png(), piece).bytes, png());
  }
  EXPECT_TRUE(cleaned(MediaType::kJpeg, jpeg()).finding.dropped.empty());
  EXPECT_TRUE(cleaned(MediaType::kPng, png()).finding.dropped.empty());
}

TEST(PhotoCleanerTest, RefusesAPhotoCutAnywhere) {
  for (const auto& [type, whole] : {std::pair(MediaType::kJpeg, jpeg(exif_segment({1, 2, 3}))),
                                    std::pair(MediaType::kPng, png(chunk("tEXt", {1, 2, 3})))}) {
    for (std::size_t size = 1; size < whole.size(); ++size) {
      const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_THAT(refusal(type, cut), testing::HasSubstr("it ends early")) << size;
      EXPECT_NE(refusal(type, cut, 3), "") << size;
    }
  }
}

TEST(PhotoCleanerTest, SaysThatAnEmptyBodyIsEmpty) {
  for (const MediaType type : {MediaType::kJpeg, MediaType::kPng}) {
    ViewSource nothing({});
    const auto intake = clean_photo(type, nothing);
    try {
      intake->next();
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kEmptyBody);
    }
  }
}

TEST(PhotoCleanerTest, HasNoMoreToGiveAfterARefusal) {
  for (const auto& [type, bad] : {std::pair(MediaType::kJpeg, joined({{0xff}, jpeg()})),
                                  std::pair(MediaType::kPng, joined({{0x89}, png()}))}) {
    ViewSource source(bad);
    const auto intake = clean_photo(type, source);
    EXPECT_THROW(intake->next(), Error);
    EXPECT_THROW(intake->next(), Error);
  }
}

TEST(PhotoCleanerTest, TakesNothingThatIsNeither) {
  // Case 96: a ZIP. Case 99: HEIC. Case 101: an SVG with a script.
  for (const Bytes& other :
       {bytes_of("PK\x03\x04"), bytes_of("\0\0\0\x18"s + "ftypheic"),
        bytes_of("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")}) {
    EXPECT_FALSE(sniff(other));
    EXPECT_NE(refusal(MediaType::kJpeg, other), "");
    EXPECT_NE(refusal(MediaType::kPng, other), "");
  }
  EXPECT_NE(refusal(MediaType::kJpeg, png()), "");
  EXPECT_NE(refusal(MediaType::kPng, jpeg()), "");
  ViewSource nothing({});
  EXPECT_THROW(clean_photo(MediaType::kDicom, nothing), Error);
}

// Case 102.
TEST(PhotoCleanerTest, DoesNotCareHowLargeAPictureSaysItIs) {
  const Bytes huge_jpeg =
      joined({kStart, kTables, frame(0xc0, 50'000, 50'000), scan(), kCoded, kEnd});
  EXPECT_EQ(cleaned(MediaType::kJpeg, huge_jpeg).bytes, huge_jpeg);
  const Bytes huge_png =
      joined({kSignature, header(16, 6, 50'000, 50'000), kImageData, chunk("IEND")});
  EXPECT_EQ(cleaned(MediaType::kPng, huge_png).bytes, huge_png);
}

// What a gigabyte of picture costs is one piece of it.
TEST(PhotoCleanerTest, PassesPixelsOnWithoutCopyingThem) {
  Bytes photo = joined({kStart, kTables, frame(), scan()});
  const std::size_t begin = photo.size();
  photo.resize(begin + 1'000'000, 0x55);
  photo.insert(photo.end(), kEnd.begin(), kEnd.end());
  ViewSource source(photo);
  const auto intake = clean_photo(MediaType::kJpeg, source);
  ByteView piece = intake->next();
  while (piece.size() < 1'000'000) piece = intake->next();
  EXPECT_EQ(piece.data(), photo.data() + begin);
}

// Case 98.
TEST(PhotoCleanerTest, IsNotLedInACircleByExif) {
  for (const bool little : {true, false}) {
    const Bytes looping =
        TiffWriter(little).put(8, 4).directory({{0x0112, 3, 1, 6}, {0x8769, 4, 1, 8}}, 8).bytes();
    const Cleaned photo = cleaned(MediaType::kJpeg, jpeg(exif_segment(looping)));
    EXPECT_EQ(photo.bytes, jpeg(exif_segment(orientation_tiff(6))));
    EXPECT_EQ(photo.finding.dropped, std::vector<std::string>{"EXIF"});
  }
}

TEST(PhotoCleanerTest, TakesExifOnlyForWhatLiesInIt) {
  const std::vector<Bytes> broken = {
      {},
      bytes_of("II"),
      TiffWriter(true).bytes(),
      TiffWriter(true).put(8, 4).bytes(),
      TiffWriter(true).put(0xffffffff, 4).directory({}, 0).bytes(),
      TiffWriter(false).put(8, 4).put(0xffff, 2).bytes(),
      TiffWriter(false).put(8, 4).directory({{0x8769, 4, 1, 0xfffffff0}}, 0xfffffffe).bytes(),
      // A date that lies outside, and one whose end does.
      TiffWriter(true)
          .put(8, 4)
          .directory({{0x8769, 4, 1, 26}}, 0)
          .directory({{0x9003, 2, 20, 0xfffffff0}, {0x9004, 2, 0xffffffff, 8}}, 0)
          .bytes(),
      // Orientations that there are none of.
      TiffWriter(true).put(8, 4).directory({{0x0112, 3, 1, 0}}, 0).bytes(),
      TiffWriter(true).put(8, 4).directory({{0x0112, 3, 1, 9}}, 0).bytes(),
      TiffWriter(true).put(8, 4).directory({{0x0112, 3, 2, 6}}, 0).bytes(),
      TiffWriter(true).put(8, 4).directory({{0x0112, 2, 1, 6}}, 0).bytes(),
  };
  for (const Bytes& tiff : broken) {
    const Exif exif = read_exif(tiff);
    EXPECT_EQ(exif.orientation, 1);
    EXPECT_FALSE(exif.captured);
    EXPECT_FALSE(exif.thumbnail);
    EXPECT_EQ(cleaned(MediaType::kJpeg, jpeg(exif_segment(tiff))).bytes, jpeg());
    EXPECT_EQ(cleaned(MediaType::kPng, png(chunk("eXIf", tiff))).bytes, png());
  }
}

TEST(PhotoCleanerTest, KeepsTheFirstOrientationAlone) {
  const Bytes six = orientation_tiff(6);
  const Bytes three = orientation_tiff(3);
  EXPECT_EQ(cleaned(MediaType::kJpeg, jpeg(joined({exif_segment(six), exif_segment(three)}))).bytes,
            jpeg(exif_segment(six)));
  EXPECT_EQ(cleaned(MediaType::kPng, png(joined({chunk("eXIf", six), chunk("eXIf", three)}))).bytes,
            png(chunk("eXIf", six)));
}

TEST(PhotoCleanerTest, DropsNothingTwice) {
  const Bytes once = cleaned(MediaType::kJpeg, jpeg(exif_segment(orientation_tiff(8)))).bytes;
  const Cleaned again = cleaned(MediaType::kJpeg, once);
  EXPECT_EQ(again.bytes, once);
  EXPECT_TRUE(again.finding.dropped.empty());
  const Cleaned of_png = cleaned(MediaType::kPng, png(chunk("eXIf", orientation_tiff(8))));
  EXPECT_TRUE(of_png.finding.dropped.empty());
}

TEST(PhotoCleanerTest, ReadsExifFromTheBeginningOfALongChunk) {
  const Bytes tiff = joined({orientation_tiff(6), Bytes(200'000, 0)});
  EXPECT_EQ(cleaned(MediaType::kPng, png(chunk("eXIf", tiff))).bytes,
            png(chunk("eXIf", orientation_tiff(6))));
}

TEST(PhotoCleanerTest, DropsWhatStandsBetweenTwoScans) {
  const auto progressive = [](const Bytes& between) {
    return joined({kStart, kTables, frame(0xc2), scan(), kCoded, between, scan(1), kCoded, kEnd});
  };
  const Cleaned photo = cleaned(MediaType::kJpeg, progressive(segment(0xfe, bytes_of("name"))));
  EXPECT_EQ(photo.bytes, progressive({}));
  EXPECT_EQ(photo.finding.dropped, std::vector<std::string>{"comment"});
}

// T.81 section B.1.1.2: any number of fill bytes may stand before any marker.
TEST(PhotoCleanerTest, TakesFillBytesBeforeEveryMarker) {
  const Bytes restart = {0xff, 0xd0, 0x56, 0xff, 0x00};
  const auto photo = [&](const Bytes& fill) {
    return joined({kStart,
                   fill,
                   kTables,
                   fill,
                   frame(),
                   fill,
                   scan(),
                   {0xff, 0x00, 0x34},
                   fill,
                   restart,
                   fill,
                   scan(),
                   {0xff, 0x00},
                   fill,
                   restart,
                   fill,
                   kEnd});
  };
  for (const std::size_t count : {std::size_t{1}, std::size_t{2}, std::size_t{70'000}}) {
    for (const std::size_t piece : {SIZE_MAX, std::size_t{1}, std::size_t{3}}) {
      EXPECT_EQ(cleaned(MediaType::kJpeg, photo(Bytes(count, 0xff)), piece).bytes, photo({}))
          << count << " by " << piece;
    }
  }
}

TEST(PhotoCleanerTest, CutsWhatIsBehindTheFieldsOfJfifAndAdobe) {
  const Bytes jfif = bytes_of("JFIF\0\1\2\1\0\x48\0\x48"s);
  const Bytes adobe = bytes_of("Adobe\0\x64\0\0\0\0\2"s);
  const Cleaned photo = cleaned(
      MediaType::kJpeg, jpeg(joined({segment(0xe0, joined({jfif, {1, 1}, bytes_of("rgbname")})),
                                     segment(0xee, joined({adobe, bytes_of("name")}))})));
  EXPECT_EQ(photo.bytes,
            jpeg(joined({segment(0xe0, joined({jfif, {0, 0}})), segment(0xee, adobe)})));
  EXPECT_EQ(photo.finding.dropped, std::vector<std::string>{"thumbnail"});
}

TEST(JpegCleanerTest, TellsTheFrameAndHowToShowIt) {
  const Bytes photo = joined({kStart, exif_segment(orientation_tiff(6)),
                              segment(0xee, bytes_of("Adobe\0\x64\0\0\0\0\2"s)), kTables,
                              frame(0xc1, 300, 200), scan(), kCoded, kEnd});
  ViewSource source(photo);
  JpegCleaner cleaner(source);
  read_all(cleaner, 10'000);
  EXPECT_EQ(cleaner.frame()->marker, 0xc1);
  EXPECT_EQ(cleaner.frame()->width, 300);
  EXPECT_EQ(cleaner.frame()->height, 200);
  EXPECT_EQ(cleaner.frame()->precision, 8);
  EXPECT_EQ(cleaner.frame()->components.size(), 1);
  EXPECT_EQ(cleaner.orientation(), 6);
  EXPECT_EQ(cleaner.colour(), JpegColour::kGrey);
  EXPECT_TRUE(cleaner.in_picture());
}

TEST(JpegCleanerTest, TellsTheColoursAsViewersTakeThem) {
  const auto colour = [](const Bytes& in_front, const Bytes& ids) {
    Bytes fields = {8, 0, 8, 0, 8, static_cast<Byte>(ids.size())};
    Bytes scanned = {static_cast<Byte>(ids.size())};
    for (const Byte id : ids) {
      fields.insert(fields.end(), {id, 0x11, 0});
      scanned.insert(scanned.end(), {id, 0});
    }
    const Bytes photo = joined({kStart, in_front, kTables, segment(0xc0, fields),
                                segment(0xda, joined({scanned, {0, 63, 0}})), kCoded, kEnd});
    ViewSource source(photo);
    JpegCleaner cleaner(source);
    read_all(cleaner, 10'000);
    return cleaner.colour();
  };
  const Bytes jfif = segment(0xe0, bytes_of("JFIF\0\1\2\1\0\x48\0\x48\0\0"s));
  const Bytes adobe_rgb = segment(0xee, bytes_of("Adobe\0\x64\0\0\0\0\0"s));
  const Bytes adobe_ycc = segment(0xee, bytes_of("Adobe\0\x64\0\0\0\0\1"s));
  EXPECT_EQ(colour({}, {7}), JpegColour::kGrey);
  EXPECT_EQ(colour(jfif, {1, 2, 3}), JpegColour::kYcc);
  EXPECT_EQ(colour(joined({jfif, adobe_rgb}), {1, 2, 3}), JpegColour::kYcc);
  EXPECT_EQ(colour(adobe_rgb, {1, 2, 3}), JpegColour::kRgb);
  EXPECT_EQ(colour(adobe_ycc, {'R', 'G', 'B'}), JpegColour::kYcc);
  EXPECT_EQ(colour({}, {'R', 'G', 'B'}), JpegColour::kRgb);
  EXPECT_EQ(colour({}, {1, 2, 3}), JpegColour::kYcc);
  EXPECT_EQ(colour({}, {1, 2, 3, 4}), JpegColour::kCmyk);
  EXPECT_EQ(colour({}, {1, 2}), JpegColour::kUnknown);
}

struct Broken {
  const char* why;
  Bytes photo;
};
void PrintTo(const Broken& broken, std::ostream* out) {
  *out << broken.why;
}

class BrokenJpegTest : public TestWithParam<Broken> {};
TEST_P(BrokenJpegTest, IsRefused) {
  EXPECT_THAT(refusal(MediaType::kJpeg, GetParam().photo), testing::HasSubstr(GetParam().why));
  EXPECT_THAT(refusal(MediaType::kJpeg, GetParam().photo, 1), testing::HasSubstr(GetParam().why));
}
INSTANTIATE_TEST_SUITE_P(
    , BrokenJpegTest,
    testing::Values(
        Broken{"doesn't begin as", joined({{0xff, 0xd9}, jpeg()})},
        Broken{"no marker", joined({kStart, {0x00}, jpeg()})},
        Broken{"no marker", joined({kStart, segment(0xfe, {1}), {0x00}})},
        Broken{"can't stand here", joined({kStart, jpeg()})},
        Broken{"can't stand here", joined({kStart, {0xff, 0xd0}, kTables})},
        Broken{"can't stand here", joined({kStart, {0xff, 0x01}, kTables})},
        Broken{"can't stand here", joined({kStart, {0xff, 0x00}, kTables})},
        Broken{"can't stand here", joined({kStart, segment(0xf7, Bytes(20, 0)), kTables})},
        Broken{"can't stand here", joined({kStart, segment(0xdc, {0, 8}), kTables})},
        Broken{"can't stand here", joined({kStart, kTables, frame(), scan(), {1, 0xff, 0xff, 0}})},
        Broken{
            "can't stand here",
            joined(
                {kStart, kTables, frame(), scan(), {1, 0xff, 0xff, 0xff, 0xd0, 2, 0xff, 0xff, 0}})},
        Broken{"shorter than its length", joined({kStart, {0xff, 0xfe, 0, 1}, kTables})},
        Broken{"quantization table that isn't", joined({kStart, segment(0xdb, Bytes(64, 0))})},
        Broken{"quantization table that isn't", joined({kStart, quantization(0x04)})},
        Broken{"quantization table that isn't", joined({kStart, quantization(0x20)})},
        Broken{"Huffman table that isn't", joined({kStart, segment(0xc4, Bytes(16, 0))})},
        Broken{"Huffman table that isn't", joined({kStart, huffman(0x20)})},
        Broken{"Huffman table that isn't", joined({kStart, huffman(0x04)})},
        Broken{"Huffman table that isn't", joined({kStart, segment(0xc4, Bytes(300, 200))})},
        Broken{"restart interval", joined({kStart, segment(0xdd, {1, 2, 3})})},
        Broken{"hierarchical", joined({kStart, frame(0xc5)})},
        Broken{"hierarchical", joined({kStart, frame(0xcf)})},
        Broken{"a second frame", joined({kStart, frame(), frame()})},
        Broken{"frame header that is too short", joined({kStart, segment(0xc0, {8, 0, 8, 0, 8})})},
        Broken{"number of components", joined({kStart, segment(0xc0, {8, 0, 8, 0, 8, 0})})},
        Broken{"number of components",
               joined({kStart, segment(0xc0, {8, 0, 8, 0, 8, 2, 1, 0x11, 0})})},
        Broken{"number of components",
               joined({kStart, segment(0xc0, joined({{8, 0, 8, 0, 8, 5}, Bytes(15, 1)}))})},
        Broken{"precision", joined({kStart, segment(0xc0, {12, 0, 8, 0, 8, 1, 1, 0x11, 0})})},
        Broken{"without width or height", joined({kStart, frame(0xc0, 8, 0)})},
        Broken{"without width or height", joined({kStart, frame(0xc0, 0, 8)})},
        Broken{"one name",
               joined({kStart, segment(0xc0, {8, 0, 8, 0, 8, 2, 1, 0x11, 0, 1, 0x11, 0})})},
        Broken{"component that isn't",
               joined({kStart, segment(0xc0, {8, 0, 8, 0, 8, 1, 1, 0x10, 0})})},
        Broken{"component that isn't",
               joined({kStart, segment(0xc0, {8, 0, 8, 0, 8, 1, 1, 0x51, 0})})},
        Broken{"component that isn't",
               joined({kStart, segment(0xc0, {8, 0, 8, 0, 8, 1, 1, 0x11, 4})})},
        Broken{"scan before the frame", joined({kStart, kTables, scan()})},
        Broken{"scan header that isn't", joined({kStart, kTables, frame(), segment(0xda, {})})},
        Broken{"scan header that isn't",
               joined({kStart, kTables, frame(), segment(0xda, {0, 0, 63, 0})})},
        Broken{"scan header that isn't",
               joined({kStart, kTables, frame(), segment(0xda, {2, 1, 0, 0, 63, 0})})},
        Broken{"unknown component",
               joined({kStart, kTables, frame(), segment(0xda, {1, 9, 0, 0, 63, 0})})},
        Broken{"one component twice",
               joined({kStart, kTables, frame(), segment(0xda, {2, 1, 0, 1, 0, 0, 63, 0})})},
        Broken{"without its quantization table",
               joined({kStart, huffman(0), huffman(0x10), frame(), scan(), kCoded, kEnd})},
        Broken{"without its Huffman tables",
               joined({kStart, quantization(), huffman(0), frame(), scan(), kCoded, kEnd})},
        Broken{"without its Huffman tables",
               joined({kStart, quantization(), huffman(0x10), frame(), scan(), kCoded, kEnd})},
        Broken{"no picture", joined({kStart, kEnd})},
        Broken{"no picture", joined({kStart, kTables, kEnd})},
        Broken{"without a scan", joined({kStart, kTables, frame(), kEnd})}));

class BrokenPngTest : public TestWithParam<Broken> {};
TEST_P(BrokenPngTest, IsRefused) {
  EXPECT_THAT(refusal(MediaType::kPng, GetParam().photo), testing::HasSubstr(GetParam().why));
  EXPECT_THAT(refusal(MediaType::kPng, GetParam().photo, 1), testing::HasSubstr(GetParam().why));
}

Bytes with_bad_sum(Bytes chunk) {
  chunk.back() ^= 1;
  return chunk;
}

INSTANTIATE_TEST_SUITE_P(
    , BrokenPngTest,
    testing::Values(
        Broken{"doesn't begin as", joined({bytes_of("\x89PNG\n\n\x1a\n"), png()})},
        Broken{"header isn't the first", joined({kSignature, kImageData, header()})},
        Broken{"header isn't the first", joined({kSignature, chunk("IHDR", Bytes(14, 1))})},
        Broken{"check sum", joined({kSignature, with_bad_sum(header())})},
        Broken{"check sum", png(with_bad_sum(chunk("tEXt", {1})))},
        Broken{"check sum", png(with_bad_sum(chunk("eXIf", orientation_tiff(6))))},
        Broken{"check sum", png(with_bad_sum(chunk("gAMA", {0, 0, 0, 1})))},
        Broken{"check sum",
               joined({kSignature, header(), kImageData, with_bad_sum(chunk("IEND"))})},
        Broken{"without width or height", joined({kSignature, header(8, 2, 0, 1)})},
        Broken{"without width or height", joined({kSignature, header(8, 2, 1, 0x80000000)})},
        Broken{"bit depth", joined({kSignature, header(4, 2)})},
        Broken{"bit depth", joined({kSignature, header(16, 3)})},
        Broken{"bit depth", joined({kSignature, header(8, 1)})},
        Broken{"method",
               joined({kSignature, chunk("IHDR", {0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 2})})},
        Broken{"second header", png(header())},
        Broken{"critical chunk", png(chunk("CgBI", {1, 2, 3, 4}))},
        Broken{"isn't well-formed", png(chunk("t3Xt"))},
        Broken{"isn't well-formed", png({0x80, 0, 0, 0, 't', 'E', 'X', 't'})},
        Broken{"wrong length", png(chunk("gAMA", {0, 0, 1}))},
        Broken{"wrong length", png(chunk("cHRM", Bytes(40, 0)))},
        Broken{"wrong length", png(chunk("PLTE", Bytes(771, 0)))},
        Broken{"wrong length", joined({kSignature, header(), kImageData, chunk("IEND", {0})})},
        Broken{"twice", png(joined({chunk("sRGB", {0}), chunk("sRGB", {0})}))},
        Broken{"twice", png(joined({chunk("PLTE", {0, 0, 0}), chunk("PLTE", {0, 0, 0})}))},
        Broken{"a palette", png(chunk("PLTE", {0, 0, 0, 0}))},
        Broken{"a palette", joined({kSignature, header(8, 0), chunk("PLTE", {0, 0, 0})})},
        Broken{"a palette", joined({kSignature, header(), kImageData, chunk("PLTE", {0, 0, 0})})},
        Broken{"before its palette", joined({kSignature, header(8, 3), kImageData})},
        Broken{"in two places", png(joined({kImageData, chunk("tEXt", {1})}))},
        Broken{"no picture", joined({kSignature, header(), chunk("IEND")})}));

}  // namespace
}  // namespace letterbox::dicom
