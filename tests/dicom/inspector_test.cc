#include "dicom/inspector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "tests/dicom/part10_files.h"

namespace letterbox::dicom {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A whole one, of one grey pixel.
constexpr Byte kJpeg[] = {
    0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, 0x4a, 0x46, 0x49, 0x46, 0x00, 0x01, 0x01, 0x01, 0x00, 0x48,
    0x00, 0x48, 0x00, 0x00, 0xff, 0xdb, 0x00, 0x43, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc0, 0x00, 0x0b, 0x08, 0x00, 0x01,
    0x00, 0x01, 0x01, 0x01, 0x11, 0x00, 0xff, 0xc4, 0x00, 0x14, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xff, 0xc4, 0x00, 0x14,
    0x10, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0xff, 0xda, 0x00, 0x08, 0x01, 0x01, 0x00, 0x00, 0x3f, 0x00, 0x37, 0xff, 0xd9};

Bytes bytes_of(std::string_view text) {
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

// An image of somebody, with pixels that would take more than a piece.
Bytes image(std::string_view patient = "Doe^Jane", std::size_t pixels = 100'000) {
  const std::string name = std::string(patient) + std::string(patient.size() % 2, ' ');
  DataSet set;
  set.uid(0x00080016, kCtImage).uid(0x00080018, "1.2.3.4").element(0x00100010, "PN", name);
  set.uid(0x0020000d, "1.2.3").uid(0x0020000e, "1.2.3.1");
  set.element(0x7fe00010, "OW", std::string(pixels, '\1'));
  return bytes_of(file_of(set));
}

// One for all: it forks before there are threads, as a gateway's does.
Inspector& inspector() {
  static const auto made = make_inspector({.children = 2});
  return *made;
}

struct Admitted {
  Bytes bytes;
  Finding finding;
};

Admitted admit(MediaType claimed, ByteView file, std::size_t piece = SIZE_MAX) {
  ViewSource body(file, piece);
  const auto intake = inspector().admit(claimed, body);
  Bytes bytes = read_all(*intake, SIZE_MAX);
  return {std::move(bytes), intake->finding()};
}

ErrorCode refusal(MediaType claimed, ByteView file, std::size_t piece = SIZE_MAX) {
  try {
    admit(claimed, file, piece);
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "was admitted";
  return ErrorCode::kInternal;
}

TEST(InspectorTest, ADicomFilePassesByteForByteWhateverThePiecesAre) {
  const Bytes file = image();
  for (const std::size_t piece : {std::size_t{1}, std::size_t{131}, std::size_t{4093}, SIZE_MAX}) {
    EXPECT_EQ(admit(MediaType::kDicom, file, piece).bytes, file) << piece;
  }
}

TEST(InspectorTest, SaysWhatADicomFileIs) {
  const Finding finding = admit(MediaType::kDicom, image()).finding;
  EXPECT_EQ(finding.type, MediaType::kDicom);
  EXPECT_EQ(finding.attributes, R"({"00080016":{"vr":"UI","Value":["1.2.840.10008.5.1.4.1.1.2"]},)"
                                R"("00080018":{"vr":"UI","Value":["1.2.3.4"]},)"
                                R"("00100010":{"vr":"PN","Value":[{"Alphabetic":"Doe^Jane"}]},)"
                                R"("0020000D":{"vr":"UI","Value":["1.2.3"]},)"
                                R"("0020000E":{"vr":"UI","Value":["1.2.3.1"]}})");
  EXPECT_THAT(finding.left_out, ElementsAre("7FE00010"));
  ASSERT_TRUE(finding.instance);
  EXPECT_EQ(finding.instance->transfer_syntax, "1.2.840.10008.1.2.1");
  EXPECT_EQ(finding.instance->sop_class, kCtImage);
  EXPECT_EQ(finding.instance->sop_instance, "1.2.3.4");
  EXPECT_EQ(finding.instance->study, "1.2.3");
  EXPECT_EQ(finding.instance->series, "1.2.3.1");
  EXPECT_TRUE(finding.dropped.empty());
}

TEST(InspectorTest, SaysWhatAPhotoIs) {
  Bytes file(std::begin(kJpeg), std::end(kJpeg));
  const Bytes picture = file;
  file.push_back('x');
  const Admitted admitted = admit(MediaType::kJpeg, file);
  EXPECT_EQ(admitted.bytes, picture);
  EXPECT_EQ(admitted.finding.type, MediaType::kJpeg);
  EXPECT_EQ(admitted.finding.attributes, "{}");
  EXPECT_FALSE(admitted.finding.instance);
  EXPECT_THAT(admitted.finding.dropped, ElementsAre("trailing bytes"));
}

TEST(InspectorTest, TheEndStaysTheEnd) {
  const Bytes file = image();
  ViewSource body(file);
  const auto intake = inspector().admit(MediaType::kDicom, body);
  read_all(*intake, SIZE_MAX);
  const std::string attributes = intake->finding().attributes;
  EXPECT_TRUE(intake->next().empty());
  EXPECT_EQ(intake->finding().attributes, attributes);
}

TEST(InspectorTest, RefusesAnEmptyBody) {
  for (const MediaType claimed : {MediaType::kDicom, MediaType::kJpeg, MediaType::kPng}) {
    EXPECT_EQ(refusal(claimed, {}), ErrorCode::kEmptyBody);
  }
}

TEST(InspectorTest, RefusesEveryWrongClaim) {
  const Bytes dicom = image();
  const Bytes jpeg(std::begin(kJpeg), std::end(kJpeg));
  for (const std::size_t piece : {std::size_t{1}, std::size_t{64}, SIZE_MAX}) {
    EXPECT_EQ(refusal(MediaType::kDicom, jpeg, piece), ErrorCode::kNotWhatItClaims);
    EXPECT_EQ(refusal(MediaType::kJpeg, dicom, piece), ErrorCode::kNotWhatItClaims);
    EXPECT_EQ(refusal(MediaType::kPng, dicom, piece), ErrorCode::kNotWhatItClaims);
    EXPECT_EQ(refusal(MediaType::kPng, jpeg, piece), ErrorCode::kNotWhatItClaims);
    EXPECT_EQ(refusal(MediaType::kDicom, Bytes(5000, 0), piece), ErrorCode::kNotWhatItClaims);
  }
}

TEST(InspectorTest, RefusesATransferSyntaxThatNobodyKnows) {
  const Bytes file = bytes_of(file_of(named(), "1.2.3.4.5"));
  EXPECT_EQ(refusal(MediaType::kDicom, file), ErrorCode::kUnsupportedTransferSyntax);
}

// Case 80 in implicit VR: whether such an element may be a sequence is known to the dictionary
// alone.
TEST(InspectorTest, RefusesAnUndefinedLengthWhereTheDictionaryKnowsNoSequence) {
  DataSet set(kImplicitLittleEndian);
  set.uid(0x00080016, kTextReport).uid(0x00080018, "1.2.3.4");
  set.header(0x00100010, "PN", kUndefinedLength).mark(0xfffee0dd);
  set.uid(0x0020000d, "1.2.3").uid(0x0020000e, "1.2.3.1");
  const Bytes file = bytes_of(file_of(set, uid_of(kImplicitLittleEndian)));
  EXPECT_EQ(refusal(MediaType::kDicom, file), ErrorCode::kNotWhatItClaims);
}

TEST(InspectorTest, SaysWhoseFaultItWas) {
  const Bytes file = image();
  ViewSource body(ByteView(file).first(file.size() - 1));
  const auto intake = inspector().admit(MediaType::kDicom, body);
  EXPECT_THROW(read_all(*intake, SIZE_MAX), Error);
  EXPECT_EQ(intake->known().sop_instance, "1.2.3.4");
  EXPECT_EQ(intake->known().study, "1.2.3");
}

TEST(InspectorTest, SaysNothingOfAPatientWhenItRefuses) {
  const Bytes file = image("Kanarienvogel");
  try {
    admit(MediaType::kDicom, ByteView(file).first(file.size() - 1));
    ADD_FAILURE() << "was admitted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::Not(HasSubstr("Kanarienvogel")));
    EXPECT_THAT(error.what(), ::testing::Not(HasSubstr("1.2.3")));
  }
}

TEST(InspectorTest, TellsManyThreadsEachItsOwn) {
  inspector();
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 50; ++i) {
        const std::string patient = "No" + std::to_string(thread) + "^" + std::to_string(i);
        const Admitted admitted = admit(MediaType::kDicom, image(patient, 1000));
        if (admitted.finding.attributes.find(patient) != std::string::npos) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 4 * 50);
}

}  // namespace
}  // namespace letterbox::dicom
