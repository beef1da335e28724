#include "dicom/inspector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/error.h"

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

Bytes admitted(MediaType claimed, ByteView file, std::size_t piece) {
  ViewSource body(file, piece);
  const auto inspector = make_signature_inspector();
  const auto source = inspector->admit(claimed, body);
  return read_all(*source, 64'000'000);
}

ErrorCode refusal(Source& source) {
  try {
    source.next();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "the source yielded bytes";
  return ErrorCode::kInternal;
}

ErrorCode refusal(MediaType claimed, ByteView file, std::size_t piece = SIZE_MAX) {
  ViewSource body(file, piece);
  const auto inspector = make_signature_inspector();
  return refusal(*inspector->admit(claimed, body));
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

TEST(SignatureInspectorTest, KeepsEveryByteWhateverThePiecesAre) {
  for (const std::size_t piece :
       {std::size_t{1}, std::size_t{2}, std::size_t{127}, std::size_t{128}, std::size_t{131},
        std::size_t{132}, std::size_t{133}, std::size_t{SIZE_MAX}}) {
    EXPECT_EQ(admitted(MediaType::kDicom, dicom_file(), piece), dicom_file()) << piece;
    EXPECT_EQ(admitted(MediaType::kDicom, dicom_file("", 0), piece), dicom_file("", 0)) << piece;
    EXPECT_EQ(admitted(MediaType::kJpeg, jpeg_file(), piece), jpeg_file()) << piece;
    EXPECT_EQ(admitted(MediaType::kPng, png_file(), piece), png_file()) << piece;
  }
}

TEST(SignatureInspectorTest, RefusesAnEmptyBody) {
  for (const MediaType claimed : {MediaType::kDicom, MediaType::kJpeg, MediaType::kPng}) {
    EXPECT_EQ(refusal(claimed, {}), ErrorCode::kEmptyBody);
  }
}

TEST(SignatureInspectorTest, RefusesEveryWrongClaim) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{64}, std::size_t{SIZE_MAX}}) {
    EXPECT_EQ(refusal(MediaType::kDicom, jpeg_file(), piece), ErrorCode::kNotWhatItClaims);
    EXPECT_EQ(refusal(MediaType::kDicom, png_file(), piece), ErrorCode::kNotWhatItClaims);
    EXPECT_EQ(refusal(MediaType::kJpeg, dicom_file(), piece), ErrorCode::kNotWhatItClaims);
    EXPECT_EQ(refusal(MediaType::kJpeg, png_file(), piece), ErrorCode::kNotWhatItClaims);
    EXPECT_EQ(refusal(MediaType::kPng, jpeg_file(), piece), ErrorCode::kNotWhatItClaims);
    EXPECT_EQ(refusal(MediaType::kPng, bytes_of("PK\x03\x04"), piece), ErrorCode::kNotWhatItClaims);
    EXPECT_EQ(refusal(MediaType::kDicom, Bytes(5000, 0), piece), ErrorCode::kNotWhatItClaims);
  }
}

TEST(SignatureInspectorTest, RefusesADicomFileCutBeforeItsPrefixEnds) {
  const Bytes file = dicom_file();
  for (std::size_t length = 1; length < 132; ++length) {
    EXPECT_EQ(refusal(MediaType::kDicom, ByteView(file).first(length)), ErrorCode::kNotWhatItClaims)
        << length;
  }
}

TEST(SignatureInspectorTest, YieldsNothingAfterARefusal) {
  const Bytes file(5000, 0);
  ViewSource body(file, 100);
  const auto inspector = make_signature_inspector();
  const auto source = inspector->admit(MediaType::kDicom, body);
  EXPECT_EQ(refusal(*source), ErrorCode::kNotWhatItClaims);
  EXPECT_EQ(refusal(*source), ErrorCode::kNotWhatItClaims);
}

TEST(SignatureInspectorTest, PassesLaterPiecesOnWithoutGatheringThem) {
  const Bytes file = dicom_file("", 10'000);
  ViewSource body(file, 1000);
  const auto inspector = make_signature_inspector();
  const auto source = inspector->admit(MediaType::kDicom, body);
  for (std::size_t offset = 0; offset < 10'000; offset += 1000) {
    EXPECT_EQ(source->next().size(), 1000);
  }
}

// Debian's python3-pydicom carries real files. Where it isn't installed there is nothing to read.
TEST(SignatureInspectorTest, AdmitsRealDicomFilesByteForByte) {
  const std::filesystem::path folder = "/usr/lib/python3/dist-packages/pydicom/data/test_files";
  if (!std::filesystem::is_directory(folder)) GTEST_SKIP() << "python3-pydicom isn't installed";
  // Three of its files are there to have no preamble or prefix, and such a file is refused.
  std::size_t admitted_files = 0;
  std::size_t refused_files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".dcm") continue;
    std::ifstream stream(entry.path(), std::ios::binary);
    const Bytes file{std::istreambuf_iterator<char>(stream), {}};
    const bool has_prefix = file.size() >= 132 && std::equal(file.begin() + 128, file.begin() + 132,
                                                             std::string_view("DICM").begin());
    if (has_prefix) {
      EXPECT_EQ(admitted(MediaType::kDicom, file, 4093), file) << entry.path();
      ++admitted_files;
    } else {
      EXPECT_THROW(admitted(MediaType::kDicom, file, 4093), Error) << entry.path();
      ++refused_files;
    }
  }
  EXPECT_GT(admitted_files, 20U);
  EXPECT_LT(refused_files, admitted_files);
}

}  // namespace
}  // namespace letterbox::dicom
