#include "dicom/media_type.h"

#include <gtest/gtest.h>

#include <string>

namespace letterbox::dicom {
namespace {

Bytes bytes_of(std::string_view text) {
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

Bytes dicom_file(std::string_view preamble_start = "", std::size_t rest = 1000) {
  Bytes file = bytes_of(preamble_start);
  file.resize(128, 0);
  for (const char c : std::string_view("DICM")) file.push_back(static_cast<Byte>(c));
  for (std::size_t i = 0; i < rest; ++i) file.push_back(static_cast<Byte>(i * 7));
  return file;
}

Bytes jpeg_file() {
  return bytes_of("\xff\xd8\xff\xe0 then whatever else there is");
}

Bytes png_file() {
  return bytes_of("\x89PNG\r\n\x1a\n then whatever else there is");
}

TEST(MediaTypeTest, IsReadWithoutCaseAndWithoutParameters) {
  EXPECT_EQ(parse_media_type("application/dicom"), MediaType::kDicom);
  EXPECT_EQ(parse_media_type("Application/DICOM"), MediaType::kDicom);
  EXPECT_EQ(parse_media_type("application/dicom; transfer-syntax=1.2.840.10008.1.2.1"),
            MediaType::kDicom);
  EXPECT_EQ(parse_media_type(" image/jpeg\t;q=1"), MediaType::kJpeg);
  EXPECT_EQ(parse_media_type("image/png"), MediaType::kPng);
}

TEST(MediaTypeTest, OfAnythingElseIsNothing) {
  for (const char* other :
       {"", ";", "  ", "application/dicom+json", "application/dico", "image/heic", "image/svg+xml",
        "image/jpg", "application/zip", "image/jpeg, application/dicom", "image /jpeg",
        "application/age", "application/octet-stream"}) {
    EXPECT_EQ(parse_media_type(other), std::nullopt) << other;
  }
}

TEST(SniffTest, KnowsTheThreeTypesByTheirFirstBytes) {
  EXPECT_EQ(sniff(dicom_file()), MediaType::kDicom);
  EXPECT_EQ(sniff(jpeg_file()), MediaType::kJpeg);
  EXPECT_EQ(sniff(png_file()), MediaType::kPng);
}

TEST(SniffTest, NeedsNoMoreThan132Bytes) {
  const Bytes file = dicom_file();
  EXPECT_EQ(sniff(ByteView(file).first(132)), MediaType::kDicom);
  EXPECT_EQ(sniff(ByteView(file).first(131)), std::nullopt);
}

TEST(SniffTest, TakesADicomPreambleForWhatItIsWhateverItHolds) {
  EXPECT_EQ(sniff(dicom_file("\xff\xd8\xff")), MediaType::kDicom);
  EXPECT_EQ(sniff(dicom_file("MZ")), MediaType::kDicom);
  EXPECT_EQ(sniff(dicom_file("<!doctype html>")), MediaType::kDicom);
}

TEST(SniffTest, OfOtherBytesIsNothing) {
  EXPECT_EQ(sniff({}), std::nullopt);
  EXPECT_EQ(sniff(as_bytes("PK\x03\x04")), std::nullopt);
  EXPECT_EQ(sniff(as_bytes("\xff\xd8")), std::nullopt);
  EXPECT_EQ(sniff(as_bytes("\x89PNG\r\n")), std::nullopt);
  EXPECT_EQ(sniff(Bytes(1000, 0)), std::nullopt);
  EXPECT_EQ(sniff(as_bytes("DICM")), std::nullopt);  // no preamble: not a PS3.10 file
}

}  // namespace
}  // namespace letterbox::dicom
