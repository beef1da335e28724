#include "dicom/part10/scanner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "tests/dicom/part10_files.h"

namespace letterbox::dicom {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

constexpr std::string_view kDeflated = "1.2.840.10008.1.2.1.99";
constexpr std::string_view kJpeg = "1.2.840.10008.1.2.4.50";

struct Verdict {
  std::string refusal = "none";  ///< the code's name
  std::string rule = {};         ///< and the message
  InstanceUids known = {};
  std::string digest = {};
  std::vector<std::string> left_out = {};
};

Verdict scan(std::string_view file, std::size_t piece = SIZE_MAX) {
  Scanner scanner;
  Verdict verdict;
  try {
    ViewSource source(as_bytes(file), piece);
    for (ByteView some = source.next(); !some.empty(); some = source.next()) scanner.take(some);
    scanner.finish();
    verdict.digest = as_text(scanner.digest());
    verdict.left_out = scanner.left_out();
  } catch (const Error& error) {
    verdict.refusal = to_string(error.code());
    verdict.rule = error.what();
  }
  verdict.known = scanner.known();
  return verdict;
}

std::string refusal(std::string_view file) {
  return scan(file).refusal;
}

std::string refusal(const DataSet& set,
                    std::string_view transfer_syntax = uid_of(kExplicitLittleEndian)) {
  return refusal(file_of(set, transfer_syntax));
}

// Which rule refused it: where several would, sooner or later, the test is for this one.
std::string rule(const DataSet& set,
                 std::string_view transfer_syntax = uid_of(kExplicitLittleEndian)) {
  return scan(file_of(set, transfer_syntax)).rule;
}

std::string data_set_of(std::string_view digest) {
  // Preamble, prefix, then the group's length at its known place.
  const auto at = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<Byte>(digest[i]));
  };
  return std::string(digest.substr(144 + at(140) + (at(141) << 8)));
}

DataSet ct_image() {
  DataSet set = named(kCtImage);
  set.element(0x00280010, "US", std::string_view("\1\0", 2));
  return set.element(0x7fe00010, "OW", std::string(20, 'p'));
}

std::string deflated(std::string_view bytes) {
  z_stream stream{};
  if (deflateInit2(&stream, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY) != Z_OK) return {};
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// A sequence of undefined length with one item, in it the next, `depth` deep.
DataSet nested(std::size_t depth, const Encoding& encoding = kExplicitLittleEndian) {
  DataSet set = named(kTextReport, encoding);
  for (std::size_t i = 0; i < depth; ++i) {
    set.header(0x0040a730, "SQ", kUndefinedLength).mark(kItem, kUndefinedLength);
  }
  for (std::size_t i = 0; i < depth; ++i) set.mark(kItemDelimiter).mark(kSequenceDelimiter);
  return set;
}

TEST(ScannerTest, TakesAFileWhateverThePiecesAre) {
  DataSet set = named(kCtImage);
  set.header(0x0040a730, "SQ", kUndefinedLength).mark(kItem, 18);
  set.uid(0x00081150, "1.2.840.1");
  set.mark(kItem, kUndefinedLength).element(0x00081155, "UT", "abcd").mark(kItemDelimiter);
  set.mark(kSequenceDelimiter).element(0x00420010, "ST", "Report");
  set.header(0x7fe00010, "OB", kUndefinedLength).mark(kItem, 0).mark(kItem, 4).text("abcd");
  set.mark(kSequenceDelimiter);
  const std::string file = file_of(set, kJpeg);
  const Verdict whole = scan(file);
  EXPECT_EQ(whole.refusal, "none");
  EXPECT_EQ(whole.known.transfer_syntax, kJpeg);
  EXPECT_EQ(whole.known.sop_class, kCtImage);
  EXPECT_EQ(whole.known.sop_instance, "1.2.3.4");
  EXPECT_EQ(whole.known.study, "1.2.3");
  EXPECT_EQ(whole.known.series, "1.2.3.1");
  EXPECT_THAT(whole.left_out, ElementsAre("7FE00010"));
  for (std::size_t piece = 1; piece < 40; ++piece) {
    const Verdict pieces = scan(file, piece);
    EXPECT_EQ(pieces.refusal, "none") << piece;
    EXPECT_EQ(pieces.digest, whole.digest) << piece;
    EXPECT_EQ(pieces.left_out, whole.left_out) << piece;
  }
}

TEST(ScannerTest, TakesEveryEncoding) {
  for (const Encoding& encoding :
       {kImplicitLittleEndian, kExplicitLittleEndian, kExplicitBigEndian}) {
    DataSet set = named(kTextReport, encoding);
    set.header(0x0040a730, "SQ", kUndefinedLength).mark(kItem, kUndefinedLength);
    set.element(0x0040a160, "UT", "text").mark(kItemDelimiter).mark(kSequenceDelimiter);
    const Verdict verdict = scan(file_of(set, uid_of(encoding)));
    EXPECT_EQ(verdict.refusal, "none");
    EXPECT_EQ(verdict.known.study, "1.2.3");
    EXPECT_EQ(data_set_of(verdict.digest), set.bytes());
  }
}

TEST(ScannerTest, SaysThatNothingCame) {
  EXPECT_EQ(refusal(""), "EmptyBody");
}

// Case 81.
TEST(ScannerTest, RefusesAnImageCutAtAnyByte) {
  const std::string file = file_of(ct_image());
  EXPECT_EQ(refusal(file), "none");
  for (std::size_t size = 1; size < file.size(); ++size) {
    EXPECT_EQ(refusal(std::string_view(file).substr(0, size)), "NotWhatItClaims") << size;
  }
}

// The file's beginning

// Case 82.
TEST(FileMetaTest, WithoutAPreambleIsRefused) {
  const std::string file = file_of(named());
  EXPECT_EQ(refusal(std::string_view(file).substr(128)), "NotWhatItClaims");
  EXPECT_EQ(refusal(std::string_view(file).substr(132)), "NotWhatItClaims");
  EXPECT_EQ(refusal(named().bytes()), "NotWhatItClaims");
}

// Case 90.
TEST(FileMetaTest, TakesAnyPreamble) {
  std::string file = file_of(named());
  for (const std::string_view start : {"MZ",
                                       "\x7f"
                                       "ELF",
                                       "<!doctype html>", "\xff\xd8\xff"}) {
    file.replace(0, start.size(), start);
    EXPECT_EQ(refusal(file), "none");
  }
}

// Case 83.
TEST(FileMetaTest, WithoutATransferSyntaxIsRefused) {
  DataSet meta;
  meta.header(0x00020000, "UL", 4).put32(14).element(0x00020001, "OB", std::string_view("\0\1", 2));
  EXPECT_EQ(refusal(preamble() + meta.bytes() + named().bytes()), "NotWhatItClaims");
  EXPECT_EQ(refusal(file_of(named(), "")), "NotWhatItClaims");
  EXPECT_EQ(refusal(file_of(named(), "1.2.840.x")), "NotWhatItClaims");
}

TEST(FileMetaTest, WithAnotherTransferSyntaxThanTheStandardsIsUnsupported) {
  for (const std::string_view uid :
       {"1.2.840.113619.5.2", "1.2.840.10008.1.2.4.49", "1.2.840.10008.1.2.6.1",
        "1.2.840.10008.1.20", "1.2", "1.2.840.10008.1.2.7.1"}) {
    EXPECT_EQ(refusal(named(), uid), "UnsupportedTransferSyntax") << uid;
  }
  for (const std::string_view uid :
       {"1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.112",
        "1.2.840.10008.1.2.4.102.1", "1.2.840.10008.1.2.8.1", "1.2.840.10008.1.2.1.98"}) {
    EXPECT_EQ(refusal(named(), uid), "none") << uid;
  }
}

// A sender is told which instance it was, though nobody can read its data set.
TEST(FileMetaTest, WhatIsUnsupportedIsNamedByItsMetaGroup) {
  DataSet meta;
  meta.uid(0x00020002, kCtImage).uid(0x00020003, "1.2.3.9").uid(0x00020010, "1.2.840.113619.5.2");
  const Verdict verdict = scan(preamble() + meta.bytes() + named().bytes());
  EXPECT_EQ(verdict.refusal, "UnsupportedTransferSyntax");
  EXPECT_EQ(verdict.known.sop_class, kCtImage);
  EXPECT_EQ(verdict.known.sop_instance, "1.2.3.9");
  meta = DataSet();
  meta.uid(0x00020003, "1.2.3.x").uid(0x00020010, "1.2.840.113619.5.2");
  EXPECT_EQ(scan(preamble() + meta.bytes() + named().bytes()).known.sop_instance, "");
}

// Case 84.
TEST(FileMetaTest, WithAWrongGroupLengthIsRefused) {
  const std::string right = file_of(named());
  EXPECT_EQ(refusal(right), "none");
  for (const int by : {-1, 1, -2, 2, -14, 14, 26, 100, 10'000}) {
    std::string wrong = right;
    const int length = static_cast<Byte>(right[140]) + by;
    wrong[140] = static_cast<char>(length);
    wrong[141] = static_cast<char>(length >> 8);
    EXPECT_THAT(scan(wrong).rule,
                StartsWith(by < 0 ? "the file meta group is longer" : "the file meta group is "))
        << by;
  }
  std::string huge = right;
  huge.replace(140, 4, "\xff\xff\xff\xff");
  EXPECT_EQ(refusal(huge), "NotWhatItClaims");
}

TEST(FileMetaTest, MayLackItsGroupLength) {
  DataSet meta;
  meta.uid(0x00020010, uid_of(kExplicitLittleEndian));
  EXPECT_EQ(refusal(preamble() + meta.bytes() + named().bytes()), "none");
}

TEST(FileMetaTest, IsReadOnlyAsFarAsItIsOne) {
  const std::string start = preamble();
  const std::string set = named().bytes();
  const auto meta = [](auto... edits) {
    DataSet made;
    (edits(made), ...);
    return made.bytes();
  };
  const auto syntax = [](DataSet& made) { made.uid(0x00020010, uid_of(kExplicitLittleEndian)); };
  EXPECT_EQ(refusal(start + meta(syntax) + set), "none");
  EXPECT_EQ(refusal(start + meta(syntax, syntax) + set), "NotWhatItClaims");
  EXPECT_EQ(
      refusal(start + meta([](DataSet& m) { m.element(0x00020001, "  ", "ab"); }, syntax) + set),
      "NotWhatItClaims");
  // A group length that isn't first, or isn't a number of 32 bits.
  EXPECT_EQ(refusal(start +
                    meta(syntax, [](DataSet& m) { m.header(0x00020000, "UL", 4).put32(0); }) + set),
            "NotWhatItClaims");
  EXPECT_EQ(
      refusal(start + meta([](DataSet& m) { m.header(0x00020000, "UL", 2).put16(26); }, syntax) +
              set),
      "NotWhatItClaims");
  const auto info = [](std::size_t size) {
    return [size](DataSet& m) { m.element(0x00020102, "OB", std::string(size, 'x')); };
  };
  EXPECT_EQ(refusal(start + meta(syntax, info(60'000)) + set), "none");
  EXPECT_EQ(refusal(start + meta(syntax, info(66'000)) + set), "NotWhatItClaims");
  EXPECT_EQ(
      refusal(start + meta([](DataSet& m) { m.header(0x00020102, "OB", kUndefinedLength); }) + set),
      "NotWhatItClaims");
}

// Elements

// Case 79.
TEST(WalkerTest, RefusesALengthThatIsLongerThanWhatFollows) {
  for (const std::uint32_t length : {0xfffffffeU, 0x80000000U, 5U}) {
    DataSet set = named();
    set.header(0x00420011, "OB", length).text("1234");
    EXPECT_EQ(refusal(set), "NotWhatItClaims") << length;
    DataSet inside = named();
    inside.header(0x0040a730, "SQ", 100).mark(kItem, 80).header(0x00420011, "OB", length);
    inside.text(std::string(80, 'x'));
    EXPECT_EQ(refusal(inside), "NotWhatItClaims") << length;
    DataSet implicit = named(kTextReport, kImplicitLittleEndian);
    implicit.header(0x00420011, "OB", length).text("1234");
    EXPECT_EQ(refusal(implicit, uid_of(kImplicitLittleEndian)), "NotWhatItClaims") << length;
  }
}

// Case 80.
TEST(WalkerTest, RefusesAnUndefinedLengthOutsideSqObOwUn) {
  for (const std::string_view vr : {"UT", "OF", "OD", "OL", "OV", "UC", "UR", "SV", "UV", "ZZ"}) {
    DataSet set = named();
    set.header(0x0040a160, vr, kUndefinedLength).mark(kSequenceDelimiter);
    EXPECT_EQ(refusal(set), "NotWhatItClaims") << vr;
  }
  for (const std::string_view vr : {"SQ", "UN", "OB", "OW"}) {
    const bool fragments = vr[0] == 'O';
    DataSet set = named();
    set.header(0x0040a160, vr, kUndefinedLength).mark(kSequenceDelimiter);
    EXPECT_EQ(refusal(set), fragments ? "NotWhatItClaims" : "none") << vr;
    DataSet pixels = named();
    pixels.header(0x7fe00010, vr, kUndefinedLength).mark(kSequenceDelimiter);
    EXPECT_EQ(refusal(pixels, kJpeg), "none") << vr;
  }
  // Implicit VR can't say what it is, so what follows must be items.
  DataSet text = named(kTextReport, kImplicitLittleEndian);
  text.header(0x00100010, "", kUndefinedLength).text("Doe^John").mark(kSequenceDelimiter);
  EXPECT_EQ(refusal(text, uid_of(kImplicitLittleEndian)), "NotWhatItClaims");
  DataSet pixels = named(kTextReport, kImplicitLittleEndian);
  pixels.header(0x7fe00010, "", kUndefinedLength).mark(kItem, 0).mark(kSequenceDelimiter);
  EXPECT_EQ(refusal(pixels, uid_of(kImplicitLittleEndian)), "NotWhatItClaims");
}

// Case 85.
// An implicit VR sequence of undefined length, with an item in it and a sequence in that, whatever
// its tag.
DataSet implicit_items(Tag tag) {
  DataSet set(kImplicitLittleEndian);
  set.header(tag, "", kUndefinedLength).mark(kItem, kUndefinedLength);
  set.header(0x00081110, "", kUndefinedLength).mark(kSequenceDelimiter);
  return set.mark(kItemDelimiter).mark(kSequenceDelimiter);
}

// Case 80 where no VR says it: readers that know the element for a value would each end it
// elsewhere.
TEST(WalkerTest, RefusesAValueOfUndefinedLengthInImplicitVr) {
  const auto rule_of = [](Tag tag) {
    return rule(named(kTextReport, kImplicitLittleEndian).text(implicit_items(tag).bytes()),
                uid_of(kImplicitLittleEndian));
  };
  // Study Description, a patient's name, a verification's date and time; a group length, a private
  // creator, a curve's and an overlay's data, a retired code.
  for (const Tag tag : {0x00081030U, 0x00100010U, 0x0040a030U, 0x00280000U, 0x00290010U,
                        0x50023000U, 0x60023000U, 0x7fe00010U, 0x10000010U}) {
    EXPECT_THAT(rule_of(tag), StartsWith("an element of implicit VR that is a value has no length"))
        << tag;
  }
  // Sequences; private ones, and public ones that aren't known, may be one.
  for (const Tag tag : {0x00081111U, 0x0040a730U, 0x50022600U, 0x00291010U, 0x0040fff0U}) {
    EXPECT_EQ(rule_of(tag), "") << tag;
  }
  // In what was of VR UN, too.
  DataSet unknown = named();
  unknown.header(0x00091001, "UN", kUndefinedLength).mark(kItem, kUndefinedLength);
  unknown.text(implicit_items(0x00100010).bytes()).mark(kItemDelimiter).mark(kSequenceDelimiter);
  EXPECT_THAT(rule(unknown), StartsWith("an element of implicit VR that is a value has no length"));
}

TEST(WalkerTest, TakesOddLengths) {
  DataSet set = named();
  set.element(0x00100010, "PN", "Doe").element(0x00420011, "OB", "12345");
  EXPECT_EQ(refusal(set), "none");
  DataSet fragments = named();
  fragments.header(0x7fe00010, "OB", kUndefinedLength).mark(kItem, 0).mark(kItem, 3).text("abc");
  fragments.mark(kSequenceDelimiter);
  EXPECT_EQ(refusal(fragments, kJpeg), "none");
}

// Case 86.
TEST(WalkerTest, RefusesAVrThatIsNotTwoCapitalLetters) {
  for (const std::string_view vr : {"  ", "pn", "P1", "-A"}) {
    EXPECT_EQ(refusal(named().element(0x00100010, vr, "Doe^")), "NotWhatItClaims") << vr;
  }
  EXPECT_EQ(refusal(named().element(0x00100010, std::string_view("\0\0", 2), "Doe^")),
            "NotWhatItClaims");
}

TEST(WalkerTest, TakesAVrOfTheFutureAndTheDigestSaysUn) {
  const DataSet set = named().element(0x00400280, "XY", "Doe^");
  const Verdict verdict = scan(file_of(set));
  EXPECT_EQ(verdict.refusal, "none");
  EXPECT_EQ(data_set_of(verdict.digest), named().element(0x00400280, "UN", "Doe^").bytes());
}

TEST(WalkerTest, TakesSequencesOfDefinedLength) {
  for (const Encoding& encoding : {kExplicitLittleEndian, kImplicitLittleEndian}) {
    DataSet inner(encoding);
    inner.element(0x00100010, "PN", "Doe^");
    const auto size = static_cast<std::uint32_t>(inner.bytes().size());
    DataSet set = named(kTextReport, encoding);
    set.header(0x0040a730, "SQ", 2 * (size + 8)).mark(kItem, size).text(inner.bytes());
    set.mark(kItem, size).text(inner.bytes());
    set.header(0x0040a731, "SQ", 0);
    const Verdict verdict = scan(file_of(set, uid_of(encoding)));
    EXPECT_EQ(verdict.refusal, "none");
    EXPECT_THAT(verdict.left_out, IsEmpty());
  }
}

TEST(WalkerTest, ChecksThatPartsFitTheirWhole) {
  const auto sequence = [](std::uint32_t sequence_length, std::uint32_t item_length,
                           std::uint32_t value_length, const Encoding& encoding) {
    DataSet set = named(kTextReport, encoding);
    set.header(0x0040a730, "SQ", sequence_length).mark(kItem, item_length);
    set.header(0x00100010, "PN", value_length).text("Doe^").element(0x00420010, "ST", "1234");
    return rule(set, uid_of(encoding));
  };
  for (const Encoding& encoding : {kExplicitLittleEndian, kImplicitLittleEndian}) {
    EXPECT_EQ(sequence(20, 12, 4, encoding), "");
    const auto too_large = StartsWith("an element is larger than what it is in");
    EXPECT_THAT(sequence(20, 12, 6, encoding), too_large);
    EXPECT_THAT(sequence(20, 12, 2, encoding), too_large);
    EXPECT_THAT(sequence(20, 13, 4, encoding), too_large);
    EXPECT_THAT(sequence(20, 11, 4, encoding), too_large);
    EXPECT_THAT(sequence(19, 12, 4, encoding), too_large);
    EXPECT_THAT(sequence(21, 12, 4, encoding), too_large);
    // An item without a length in a sequence that ends before it.
    EXPECT_THAT(sequence(20, kUndefinedLength, 4, encoding), too_large);
    EXPECT_THAT(sequence(kUndefinedLength, 12, 4, encoding),
                StartsWith("something else than an item is in a sequence"));
  }
}

TEST(WalkerTest, RefusesWhatDoesNotFitBeforeItComes) {
  const auto refused_at_once = [](const DataSet& set) {
    Scanner scanner;
    try {
      scanner.take(as_bytes(file_of(set)));
    } catch (const Error&) {
      return true;
    }
    return false;
  };
  const auto item = [](std::uint32_t length) {
    return named().header(0x0040a730, "SQ", 100).mark(kItem, length);
  };
  EXPECT_FALSE(refused_at_once(item(92)));
  EXPECT_TRUE(refused_at_once(item(93)));
  EXPECT_FALSE(refused_at_once(item(92).header(0x00420011, "OB", 80)));
  EXPECT_TRUE(refused_at_once(item(92).header(0x00420011, "OB", 81)));
  EXPECT_FALSE(refused_at_once(item(92).header(0x0040a730, "SQ", 80)));
  EXPECT_TRUE(refused_at_once(item(92).header(0x0040a730, "SQ", 81)));
  // Through what has no length of its own.
  EXPECT_TRUE(refused_at_once(item(kUndefinedLength).header(0x00420011, "OB", 81)));
}

TEST(WalkerTest, RefusesMarksInWrongPlaces) {
  EXPECT_EQ(refusal(named().mark(kItem)), "NotWhatItClaims");
  EXPECT_EQ(refusal(named().mark(kItemDelimiter)), "NotWhatItClaims");
  EXPECT_EQ(refusal(named().mark(kSequenceDelimiter)), "NotWhatItClaims");
  EXPECT_EQ(refusal(named().mark(0xfffee123)), "NotWhatItClaims");
  const auto sequence = [] { return named().header(0x0040a730, "SQ", kUndefinedLength); };
  EXPECT_EQ(refusal(sequence().mark(kSequenceDelimiter)), "none");
  EXPECT_EQ(refusal(sequence().mark(kItemDelimiter)), "NotWhatItClaims");
  EXPECT_THAT(rule(sequence().mark(kSequenceDelimiter, 4)), StartsWith("a delimiter has a length"));
  EXPECT_EQ(refusal(sequence().element(0x00100010, "PN", "Doe^").mark(kSequenceDelimiter)),
            "NotWhatItClaims");
  const auto item = [&] { return sequence().mark(kItem, kUndefinedLength); };
  EXPECT_EQ(refusal(item().mark(kItemDelimiter).mark(kSequenceDelimiter)), "none");
  EXPECT_EQ(refusal(item().mark(kSequenceDelimiter)), "NotWhatItClaims");
  EXPECT_EQ(refusal(item().mark(kItemDelimiter, 2).mark(kSequenceDelimiter)), "NotWhatItClaims");
  EXPECT_EQ(refusal(sequence().mark(kItem, 8).mark(kItemDelimiter).mark(kSequenceDelimiter)),
            "NotWhatItClaims");
}

TEST(WalkerTest, ChecksFragments) {
  const auto pixels = [] { return named().header(0x7fe00010, "OB", kUndefinedLength); };
  EXPECT_EQ(
      refusal(pixels().mark(kItem, 0).mark(kItem, 2).text("ab").mark(kSequenceDelimiter), kJpeg),
      "none");
  EXPECT_EQ(refusal(pixels().mark(kItem, 2).text("ab"), kJpeg), "NotWhatItClaims");
  EXPECT_THAT(rule(pixels().mark(kItem, kUndefinedLength).mark(kSequenceDelimiter), kJpeg),
              StartsWith("a fragment has no length"));
  EXPECT_EQ(refusal(pixels().mark(kItem, 0).mark(kItemDelimiter).mark(kSequenceDelimiter), kJpeg),
            "NotWhatItClaims");
  EXPECT_EQ(refusal(pixels().element(0x00100010, "PN", "Doe^").mark(kSequenceDelimiter), kJpeg),
            "NotWhatItClaims");
  EXPECT_EQ(refusal(pixels().mark(kItem, 0).mark(kSequenceDelimiter, 2), kJpeg), "NotWhatItClaims");
  // What looks like a delimiter within a fragment is a part of it.
  EXPECT_EQ(
      refusal(pixels().mark(kItem, 8).mark(kSequenceDelimiter).mark(kSequenceDelimiter), kJpeg),
      "none");
}

TEST(WalkerTest, RefusesGroupsThatNoDataSetHas) {
  for (const Tag tag : {0x00000002U, 0x00010010U, 0x00020010U, 0x00030010U, 0x00050010U,
                        0x00070010U, 0xffff0010U}) {
    EXPECT_EQ(refusal(named().element(tag, "ST", "text")), "NotWhatItClaims") << tag;
  }
  EXPECT_EQ(refusal(named().element(0x00091010, "ST", "text")), "none");
}

TEST(WalkerTest, RefusesAnElementThatFollowsItself) {
  EXPECT_EQ(refusal(named().element(0x00100010, "PN", "Doe^").element(0x00100010, "PN", "Roe^")),
            "NotWhatItClaims");
  // In another item it is another's.
  DataSet set = named();
  set.header(0x0040a730, "SQ", 40).mark(kItem, 12).element(0x00100010, "PN", "Doe^");
  EXPECT_EQ(refusal(set.mark(kItem, 12).element(0x00100010, "PN", "Roe^")), "none");
}

TEST(WalkerTest, TakesElementsInAnyOrder) {
  EXPECT_EQ(refusal(named().element(0x00100010, "PN", "Doe^").element(0x00080060, "CS", "SR")),
            "none");
}

TEST(WalkerTest, ReadsAnUnknownOfUndefinedLengthAsImplicitLittleEndianItems) {
  for (const Encoding& encoding : {kExplicitLittleEndian, kExplicitBigEndian}) {
    DataSet inside(kImplicitLittleEndian);
    inside.mark(kItem, kUndefinedLength).element(0x00080104, "", "text");
    inside.header(0x00081110, "", kUndefinedLength).mark(kItem, kUndefinedLength);
    inside.element(0x00081150, "", "1.2.").mark(kItemDelimiter).mark(kSequenceDelimiter);
    inside.mark(kItemDelimiter).mark(kSequenceDelimiter);
    DataSet set = named(kTextReport, encoding);
    set.header(0x00291001, "UN", kUndefinedLength).text(inside.bytes());
    set.element(0x00420010, "ST", "after ");
    const Verdict verdict = scan(file_of(set, uid_of(encoding)));
    EXPECT_EQ(verdict.refusal, "none");
    EXPECT_EQ(data_set_of(verdict.digest), set.bytes());
  }
}

// Case 77.
TEST(WalkerTest, TakesSequencesNested64DeepAndNoDeeper) {
  for (const Encoding& encoding :
       {kExplicitLittleEndian, kImplicitLittleEndian, kExplicitBigEndian}) {
    EXPECT_EQ(refusal(nested(64, encoding), uid_of(encoding)), "none");
    for (const std::size_t depth : {65U, 66U, 7'000U, 100'000U}) {
      EXPECT_THAT(rule(nested(depth, encoding), uid_of(encoding)),
                  StartsWith("sequences are nested deeper than 64"))
          << depth;
    }
  }
}

TEST(WalkerTest, CountsNestingAcrossAnUnknownToo) {
  const auto deep = [](std::size_t outer, std::size_t inner) {
    DataSet set = named();
    for (std::size_t i = 0; i < outer; ++i) {
      set.header(0x0040a730, "SQ", kUndefinedLength).mark(kItem, kUndefinedLength);
    }
    DataSet within(kImplicitLittleEndian);
    for (std::size_t i = 0; i < inner; ++i) {
      within.header(0x0040a730, "", kUndefinedLength).mark(kItem, kUndefinedLength);
    }
    for (std::size_t i = 0; i < inner; ++i) within.mark(kItemDelimiter).mark(kSequenceDelimiter);
    set.header(0x00091001, "UN", kUndefinedLength)
        .mark(kItem, kUndefinedLength)
        .text(within.bytes());
    set.mark(kItemDelimiter).mark(kSequenceDelimiter);
    for (std::size_t i = 0; i < outer; ++i) set.mark(kItemDelimiter).mark(kSequenceDelimiter);
    return rule(set);
  };
  EXPECT_EQ(deep(32, 31), "");
  EXPECT_THAT(deep(32, 32), StartsWith("sequences are nested deeper than 64"));
}

// UIDs

// Cases 87 to 89.
TEST(IdentifiersTest, MustBeUids) {
  const auto with = [](std::string_view uid) {
    DataSet set;
    set.uid(0x00080016, kTextReport).element(0x00080018, "UI", uid);
    return refusal(set.uid(0x0020000d, "1.2.3").uid(0x0020000e, "1.2.3.1"));
  };
  EXPECT_EQ(with("1.2.3.4"), "none");
  const std::string longest = "1." + std::string(62, '2');
  EXPECT_EQ(with(longest), "none");
  EXPECT_EQ(with(longest + '\0'), "none");
  EXPECT_EQ(with(longest + ' '), "none");
  EXPECT_EQ(with("1.2.003"), "none");
  EXPECT_EQ(with("12345"), "none");
  EXPECT_EQ(with(longest + '2'), "NotWhatItClaims");
  for (const std::string_view bad : {"../../etc/x", "1.2;$()", "", " ", "1..2", ".1.2", "1.2.",
                                     "1.2 .3", " 1.2", "1.2  ", "1.2\\1.3", "1.2a", "1,2"}) {
    EXPECT_EQ(with(bad), "NotWhatItClaims") << bad;
  }
  EXPECT_EQ(with(std::string_view("1.2\0\0", 5)), "NotWhatItClaims");
  EXPECT_EQ(with(std::string(100'000 % 65'536, '1')), "NotWhatItClaims");
}

TEST(IdentifiersTest, MustBeThere) {
  for (const Tag missing : {0x00080016U, 0x00080018U, 0x0020000dU, 0x0020000eU}) {
    DataSet set;
    for (const Tag tag : {0x00080016U, 0x00080018U, 0x0020000dU, 0x0020000eU}) {
      if (tag != missing) set.uid(tag, "1.2.3");
    }
    EXPECT_EQ(refusal(set), "NotWhatItClaims") << missing;
    // In a sequence it is another instance's.
    set.header(0x0040a730, "SQ", kUndefinedLength)
        .mark(kItem, kUndefinedLength)
        .uid(missing, "1.2.3");
    EXPECT_EQ(refusal(set.mark(kItemDelimiter).mark(kSequenceDelimiter)), "NotWhatItClaims")
        << missing;
  }
}

TEST(IdentifiersTest, MustNotBeThereTwice) {
  EXPECT_EQ(refusal(named().uid(0x0020000d, "1.2.3")), "NotWhatItClaims");
  EXPECT_EQ(refusal(named().uid(0x00080018, "1.2.9")), "NotWhatItClaims");
}

TEST(IdentifiersTest, MayBeOfVrUnAndOfNoOther) {
  const auto with = [](std::string_view vr) {
    DataSet set;
    set.element(0x00080016, vr, "1.2").element(0x00080018, vr, "1.2.3");
    return scan(file_of(set.element(0x0020000d, vr, "1.2").element(0x0020000e, vr, "1.2")));
  };
  EXPECT_EQ(with("UI").refusal, "none");
  EXPECT_EQ(with("UN").refusal, "none");
  EXPECT_EQ(with("UN").digest, with("UI").digest);
  EXPECT_EQ(with("LO").refusal, "NotWhatItClaims");
  EXPECT_EQ(with("UT").refusal, "NotWhatItClaims");
  EXPECT_EQ(refusal(named().header(0x0020000d, "SQ", 0)), "NotWhatItClaims");
}

TEST(IdentifiersTest, AreKnownAsFarAsTheyWereMet) {
  DataSet set;
  set.uid(0x00080016, kTextReport).uid(0x00080018, "1.2.3.4").header(0x00100010, "  ", 4);
  const Verdict verdict = scan(file_of(set));
  EXPECT_EQ(verdict.refusal, "NotWhatItClaims");
  EXPECT_EQ(verdict.known.transfer_syntax, uid_of(kExplicitLittleEndian));
  EXPECT_EQ(verdict.known.sop_class, kTextReport);
  EXPECT_EQ(verdict.known.sop_instance, "1.2.3.4");
  EXPECT_EQ(verdict.known.study, "");
  EXPECT_EQ(scan(file_of(DataSet().uid(0x00080018, "../../etc/x"))).known.sop_instance, "");
}

// Pixels

TEST(ImageTest, NeedsItsPixelsAtTheTop) {
  EXPECT_EQ(refusal(ct_image()), "none");
  EXPECT_EQ(refusal(named(kCtImage)), "NotWhatItClaims");
  EXPECT_EQ(refusal(named(kCtImage).element(0x7fe00010, "OW", "")), "NotWhatItClaims");
  EXPECT_EQ(refusal(named(kCtImage).element(0x7fe00008, "OF", "1234")), "none");
  EXPECT_EQ(refusal(named(kCtImage).element(0x7fe00009, "OD", "12345678")), "none");
  EXPECT_EQ(refusal(named(kCtImage).element(0x00287fe0, "UR", "http://a")), "none");
  DataSet icon = named(kCtImage);
  icon.header(0x00880200, "SQ", kUndefinedLength).mark(kItem, kUndefinedLength);
  icon.element(0x7fe00010, "OW", "1234").mark(kItemDelimiter).mark(kSequenceDelimiter);
  EXPECT_EQ(refusal(icon), "NotWhatItClaims");
  EXPECT_EQ(refusal(icon.element(0x7fe00010, "OW", "1234")), "none");
}

// Deflated

TEST(DeflatedTest, IsInflatedInTheDigest) {
  const DataSet set = ct_image();
  const std::string file = file_of(deflated(set.bytes()), kDeflated);
  const Verdict verdict = scan(file);
  EXPECT_EQ(verdict.refusal, "none");
  EXPECT_EQ(verdict.known.transfer_syntax, kDeflated);
  EXPECT_EQ(verdict.digest, scan(file_of(set)).digest);
  EXPECT_EQ(scan(file, 1).digest, verdict.digest);
  EXPECT_THAT(verdict.left_out, ElementsAre("7FE00010"));
}

TEST(DeflatedTest, IsRefusedCutAtAnyByte) {
  const std::string file = file_of(deflated(ct_image().bytes()), kDeflated);
  for (std::size_t size = 1; size < file.size(); ++size) {
    EXPECT_EQ(refusal(std::string_view(file).substr(0, size)), "NotWhatItClaims") << size;
  }
}

TEST(DeflatedTest, MayHaveEightBytesAfterIt) {
  const std::string file = file_of(deflated(ct_image().bytes()), kDeflated);
  EXPECT_EQ(refusal(file + '\0'), "none");
  EXPECT_EQ(refusal(file + "12345678"), "none");
  EXPECT_EQ(scan(file + "12345678", 1).refusal, "none");
  EXPECT_EQ(refusal(file + "123456789"), "NotWhatItClaims");
  EXPECT_EQ(scan(file + "123456789", 1).refusal, "NotWhatItClaims");
}

// Empty stored blocks (RFC 1951 section 3.2.4): input without output.
TEST(DeflatedTest, MayHoldMegabytesOfNothing) {
  std::string blocks;
  for (int i = 0; i < 2'000'000; ++i) blocks += std::string_view("\0\0\0\xff\xff", 5);
  EXPECT_EQ(refusal(file_of(blocks + deflated(ct_image().bytes()), kDeflated)), "none");
}

TEST(DeflatedTest, IsRefusedIfItIsNot) {
  EXPECT_EQ(refusal(file_of(std::string(1000, '\xff'), kDeflated)), "NotWhatItClaims");
  // zlib's own header isn't there in a file.
  EXPECT_EQ(refusal(file_of("\x78\x9c" + deflated(ct_image().bytes()), kDeflated)),
            "NotWhatItClaims");
}

std::size_t peak_kib() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    std::size_t kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib;
  }
  return 0;
}

// A request may hold 20,000 of them, of 70 KB each.
TEST(DeflatedTest, IsRefusedSoonIfItIsASmallBomb) {
  DataSet set = named();
  set.element(0x00420011, "OB", std::string(20'000'000, '\0'));
  EXPECT_THAT(rule(DataSet().text(deflated(set.bytes())), kDeflated),
              StartsWith("the data set inflates out of all proportion"));
}

// Case 78: 200 MB out of 200 KB.
TEST(DeflatedTest, IsRefusedWithinItsBoundIfItIsABomb) {
  DataSet set = named();
  set.header(0x00420011, "OB", 200'000'000);
  std::string bomb;
  {
    const std::string zeros(200'000'000, '\0');
    bomb = file_of(deflated(set.bytes() + zeros), kDeflated);
  }
  std::ofstream("/proc/self/clear_refs") << 5;  // from here on counts
  const std::size_t before = peak_kib();
  EXPECT_LT(bomb.size(), 250'000U);
  EXPECT_EQ(refusal(bomb), "NotWhatItClaims");
  EXPECT_LT(peak_kib() - before, 2048U);
}

// 2048 by 2048 pixels of 16 bits.
TEST(DeflatedTest, MayBeAnEmptySlice) {
  DataSet set = named(kCtImage);
  set.element(0x7fe00010, "OW", std::string(std::size_t{8} << 20, '\0'));
  EXPECT_EQ(refusal(file_of(deflated(set.bytes()), kDeflated)), "none");
}

// The digest

TEST(DigestTest, IsAFileThatScansToItself) {
  DataSet set = named();
  set.header(0x0040a730, "SQ", 20).mark(kItem, 12).element(0x00100010, "PN", "Doe^");
  const std::string digest = scan(file_of(set)).digest;
  EXPECT_EQ(scan(digest).digest, digest);
  DataSet undefined = named();
  undefined.header(0x0040a730, "SQ", kUndefinedLength).mark(kItem, kUndefinedLength);
  undefined.element(0x00100010, "PN", "Doe^").mark(kItemDelimiter).mark(kSequenceDelimiter);
  EXPECT_EQ(data_set_of(digest), undefined.bytes());
}

TEST(DigestTest, LeavesOutLongValuesAndNamesThem) {
  DataSet set = named();
  set.element(0x00400280, "UT", std::string(4096, 'a'))
      .element(0x00400281, "UT", std::string(4097, 'b'));
  set.header(0x0040a730, "SQ", kUndefinedLength).mark(kItem, kUndefinedLength);
  set.element(0x0040a160, "UT", std::string(5000, 'c'))
      .element(0x0040a161, "UT", std::string(5000, 'd'));
  set.element(0x0040a307, "PN", "Doe^").mark(kItemDelimiter).mark(kSequenceDelimiter);
  const Verdict verdict = scan(file_of(set));
  EXPECT_THAT(verdict.left_out, ElementsAre("00400281", "0040A730"));
  DataSet expected = named();
  expected.element(0x00400280, "UT", std::string(4096, 'a'));
  expected.header(0x0040a730, "SQ", kUndefinedLength).mark(kItem, kUndefinedLength);
  expected.element(0x0040a307, "PN", "Doe^").mark(kItemDelimiter).mark(kSequenceDelimiter);
  EXPECT_EQ(data_set_of(verdict.digest), expected.bytes());
}

TEST(DigestTest, LeavesOutBulkWhateverItsSize) {
  DataSet set = named();
  set.element(0x00420011, "OB", "%PDF").header(0x54000100, "SQ", kUndefinedLength).mark(kItem, 16);
  set.element(0x54001010, "OW", "abcd").mark(kSequenceDelimiter).element(0x56000020, "OF", "1234");
  set.element(0x7fe00008, "OF", "1234").element(0x7fe00009, "OD", "12345678");
  set.element(0x7fe00010, "OW", "1234");
  const Verdict verdict = scan(file_of(set));
  EXPECT_EQ(verdict.refusal, "none");
  EXPECT_THAT(verdict.left_out,
              ElementsAre("00420011", "54000100", "56000020", "7FE00008", "7FE00009", "7FE00010"));
}

TEST(DigestTest, DropsGroupLengthsAndPaddingSilently) {
  DataSet set;
  set.element(0x00080000, "UL", "1234").text(named().bytes());
  set.element(0xfffcfffc, "OB", std::string(10'000, '\0'));
  const Verdict verdict = scan(file_of(set));
  EXPECT_EQ(data_set_of(verdict.digest), named().bytes());
  EXPECT_THAT(verdict.left_out, IsEmpty());
}

DataSet items(std::size_t count, std::size_t value) {
  DataSet set;
  for (std::size_t i = 0; i < count; ++i) {
    set.mark(kItem, static_cast<std::uint32_t>(12 + value));
    set.element(0x00400280, "UT", std::string(value, 'x'));
  }
  return set;
}

TEST(DigestTest, LeavesOutLongSequencesWhole) {
  const auto with = [](std::size_t count, std::size_t value) {
    const DataSet inner = items(count, value);
    DataSet set = named();
    set.header(0x52009229, "SQ", 0)
        .header(0x52009230, "SQ", static_cast<std::uint32_t>(inner.bytes().size()));
    set.text(inner.bytes()).element(0x7fe00010, "OW", "1234").element(0xfffa0010, "ST", "last");
    return scan(file_of(set));
  };
  // An item with its end, and an element's header: 28 bytes beside the value.
  const Verdict small = with(255, 1000);
  EXPECT_EQ(small.refusal, "none");
  EXPECT_THAT(small.left_out, ElementsAre("7FE00010"));
  const Verdict large = with(256, 1000);
  EXPECT_EQ(large.refusal, "none");
  EXPECT_THAT(large.left_out, ElementsAre("52009230", "7FE00010"));
  EXPECT_LT(large.digest.size(), 1000U);
  EXPECT_NE(large.digest.find("last"), std::string::npos);
  // By what is in the digest, not by what is in the file.
  EXPECT_THAT(with(100, 60'000).left_out, ElementsAre("52009230", "7FE00010"));
  EXPECT_GT(with(100, 60'000).digest.size(), 1000U);
  // Of nothing but empty items.
  EXPECT_THAT(with(20'000, 0).left_out, ElementsAre("52009230", "7FE00010"));
}

TEST(DigestTest, IsNeverLongerThanItsLimit) {
  DataSet set;
  for (Tag tag = 0x00091001; tag < 0x00091001 + 400; ++tag) {
    set.element(tag, "UT", std::string(4000, 'x'));
  }
  // And the gaps.
  for (Tag tag = 0x00111001; tag < 0x00111001 + 100; ++tag) set.element(tag, "UT", "x");
  set.text(named().bytes());
  const Verdict verdict = scan(file_of(set));
  EXPECT_EQ(verdict.refusal, "none");
  EXPECT_LE(verdict.digest.size(), kMaxDigest);
  EXPECT_GT(verdict.digest.size(), kMaxDigest - 2048);
  EXPECT_EQ(verdict.left_out.front(), "00091083");
  EXPECT_EQ(verdict.left_out.back(), "00111064");
  // What names the instance is in it still, and a parser finds it.
  EXPECT_TRUE(verdict.digest.ends_with(named().bytes()));
  EXPECT_EQ(scan(verdict.digest).refusal, "none");
}

TEST(DigestTest, NamesNoMoreThanAnIndexTakes) {
  const auto names = [](std::uint32_t count) {
    DataSet set = named();
    for (Tag tag = 0x00291001; tag < 0x00291001 + count; ++tag) {
      set.element(tag, "UT", std::string(4097, 'x'));
    }
    return scan(file_of(set)).left_out;
  };
  EXPECT_EQ(names(512).size(), 512U);
  EXPECT_EQ(names(512).back(), "00291200");
  EXPECT_EQ(names(513).size(), 512U);
  EXPECT_EQ(names(513).back(), "FFFFFFFF");
  EXPECT_EQ(names(513)[510], "002911FF");
}

// A parser that sorts searches through all of them for the place of each.
TEST(DigestTest, HoldsNothingForWhichAParserMustSortLong) {
  DataSet set = named();
  for (Tag tag = 0x00299fff; tag > 0x00291000; --tag) set.element(tag, "UT", "");
  const Verdict verdict = scan(file_of(set));
  EXPECT_EQ(verdict.refusal, "none");
  DataSet expected = named();
  expected.element(0x00299fff, "UT", "");
  EXPECT_EQ(data_set_of(verdict.digest), expected.bytes());
  EXPECT_EQ(verdict.left_out.size(), kMaxLeftOut);
  EXPECT_EQ(verdict.left_out.front(), "00299FFE");
}

// Higher than the one before isn't enough.
TEST(DigestTest, LeavesOutWhatIsLowerThanAnyBeforeAndNamesIt) {
  DataSet set = named();
  set.element(0x00400280, "ST", "kept")
      .element(0x00200010, "SH", "12")
      .element(0x00200011, "IS", "3 ");
  set.header(0x00280010, "SQ", kUndefinedLength).mark(kItem, 12).element(0x00400280, "ST", "item");
  set.mark(kSequenceDelimiter)
      .element(0x00400280, "ST", "twice ")
      .element(0x00420010, "ST", "last");
  const Verdict verdict = scan(file_of(set));
  EXPECT_EQ(verdict.refusal, "none");
  EXPECT_THAT(verdict.left_out, ElementsAre("00200010", "00200011", "00280010", "00400280"));
  DataSet expected = named();
  expected.element(0x00400280, "ST", "kept").element(0x00420010, "ST", "last");
  EXPECT_EQ(data_set_of(verdict.digest), expected.bytes());
}

TEST(DigestTest, LeavesOutASequenceWithAnItemThatIsNotInOrder) {
  const auto with = [](const DataSet& item) {
    DataSet set = named();
    set.header(0x0040a730, "SQ", kUndefinedLength).mark(kItem, kUndefinedLength);
    set.header(0x00081111, "SQ", kUndefinedLength).mark(kItem, kUndefinedLength);
    set.text(item.bytes()).mark(kItemDelimiter).mark(kItem, kUndefinedLength);
    set.element(0x00080005, "CS", "ISO_IR 192").mark(kItemDelimiter).mark(kSequenceDelimiter);
    set.mark(kItemDelimiter).mark(kSequenceDelimiter).element(0x00420010, "ST", "last");
    return set;
  };
  DataSet item;
  item.element(0x00080060, "CS", "SR").element(0x00100010, "PN", "Doe^");
  // Each item has an order of its own.
  const DataSet ordered = with(item);
  EXPECT_EQ(data_set_of(scan(file_of(ordered)).digest), ordered.bytes());
  const Verdict verdict = scan(file_of(with(item.element(0x00080005, "CS", "ISO_IR 192"))));
  EXPECT_EQ(verdict.refusal, "none");
  EXPECT_THAT(verdict.left_out, ElementsAre("0040A730"));
  DataSet expected = named();
  expected.element(0x00420010, "ST", "last");
  EXPECT_EQ(data_set_of(verdict.digest), expected.bytes());
}

// Else no parser could say that it read the same UIDs, nor read a name.
TEST(DigestTest, HasWhatNamesTheInstanceAndItsCharacterSetInAnyOrder) {
  DataSet set;
  set.element(0x00420010, "ST", "first ").text(named().bytes());
  set.element(0x00080005, "CS", "ISO_IR 192").element(0x00080000, "UL", "1234");
  const Verdict verdict = scan(file_of(set));
  EXPECT_EQ(verdict.refusal, "none");
  EXPECT_THAT(verdict.left_out, IsEmpty());
  DataSet expected;
  expected.element(0x00420010, "ST", "first ").text(named().bytes());
  EXPECT_EQ(data_set_of(verdict.digest), expected.element(0x00080005, "CS", "ISO_IR 192").bytes());
}

class Counter final : public Visitor {
 public:
  bool element(const Element&) override { return count_ += 1, false; }
  void value(ByteView) override {}
  void end_value() override {}
  void sequence(const Element&, const Encoding&) override { count_ += 1; }
  void item() override {}
  void end_item() override {}
  void end_sequence() override {}
  void fragments(const Element&) override { count_ += 1; }

  static std::size_t of(std::string_view data_set) {
    Counter counter;
    Walker walker(kExplicitLittleEndian, counter);
    walker.take(as_bytes(data_set));
    walker.finish();
    return counter.count_;
  }

 private:
  std::size_t count_ = 0;
};

TEST(DigestTest, HoldsNoMoreThan8192Elements) {
  DataSet set;
  for (Tag tag = 0x00091001; tag < 0x00091001 + 10'000; ++tag) set.element(tag, "UT", "");
  const Verdict verdict = scan(file_of(set.text(named().bytes())));
  EXPECT_EQ(verdict.refusal, "none");
  EXPECT_EQ(Counter::of(data_set_of(verdict.digest)), kMaxDigestElements);
  EXPECT_TRUE(verdict.digest.ends_with(named().bytes()));
  ASSERT_FALSE(verdict.left_out.empty());
  EXPECT_EQ(verdict.left_out.front(), "00092FFD");
}

TEST(DigestTest, CountsWhatIsInItemsToo) {
  const DataSet inner = items(5000, 0);
  DataSet set = named();
  for (const Tag tag : {0x00400275U, 0x0040a730U, 0x0040b020U}) {
    set.header(tag, "SQ", static_cast<std::uint32_t>(inner.bytes().size())).text(inner.bytes());
  }
  const DataSet few = items(3000, 0);
  set.header(0x0070031a, "SQ", static_cast<std::uint32_t>(few.bytes().size())).text(few.bytes());
  const Verdict verdict = scan(file_of(set));
  EXPECT_EQ(verdict.refusal, "none");
  EXPECT_THAT(verdict.left_out, ElementsAre("0040A730", "0040B020"));
  EXPECT_EQ(Counter::of(data_set_of(verdict.digest)), 4U + 2 + 5000 + 3000);
}

TEST(DigestTest, OfDeepNestingAtItsLimitStillCloses) {
  DataSet set = named();
  for (Tag tag = 0x00291001; tag < 0x00291001 + 129; ++tag) {
    set.element(tag, "UT", std::string(4000, 'x'));
  }
  std::size_t kept = 0;
  std::size_t dropped = 0;
  for (std::size_t value = 2800; value < 4000; value += 8) {
    DataSet full = set;
    full.element(0x00310010, "UT", std::string(value, 'y'));
    for (int i = 0; i < 64; ++i) {
      full.header(0x0040a730, "SQ", kUndefinedLength).mark(kItem, kUndefinedLength);
    }
    for (int i = 0; i < 64; ++i) full.mark(kItemDelimiter).mark(kSequenceDelimiter);
    const Verdict verdict = scan(file_of(full));
    EXPECT_LE(verdict.digest.size(), kMaxDigest);
    EXPECT_EQ(scan(verdict.digest).refusal, "none");
    (verdict.left_out.empty() ? kept : dropped) += 1;
  }
  EXPECT_GT(kept, 10U);
  EXPECT_GT(dropped, 10U);
}

// 40 MB of functional groups, 50 MB of contours: constant memory.
TEST(ScannerTest, NeedsLittleMemoryWhateverTheSize) {
  const std::string inner = items(1000, 1000).bytes();
  const std::string start = file_of(named().header(0x52009230, "SQ", kUndefinedLength));
  const std::size_t before = peak_kib();
  Scanner scanner;
  scanner.take(as_bytes(start));
  for (int i = 0; i < 100; ++i) scanner.take(as_bytes(inner));
  scanner.take(as_bytes(DataSet().mark(kSequenceDelimiter).bytes()));
  scanner.finish();
  EXPECT_THAT(scanner.left_out(), ElementsAre("52009230"));
  EXPECT_LT(peak_kib() - before, 2048U);
}

TEST(ScannerTest, TakesMoreThan4GiBInFragments) {
  const std::string megabyte(1 << 20, 'x');
  DataSet set = named(kCtImage);
  set.header(0x7fe00010, "OB", kUndefinedLength).mark(kItem, 0);
  Scanner scanner;
  scanner.take(as_bytes(file_of(set, kJpeg)));
  for (int fragment = 0; fragment < 3; ++fragment) {
    scanner.take(as_bytes(DataSet().mark(kItem, 2048U << 20).bytes()));
    for (int i = 0; i < 2048; ++i) scanner.take(as_bytes(megabyte));
  }
  EXPECT_THROW(scanner.finish(), Error);
  scanner.take(as_bytes(DataSet().mark(kSequenceDelimiter).bytes()));
  scanner.finish();
  EXPECT_THAT(scanner.left_out(), ElementsAre("7FE00010"));
}

}  // namespace
}  // namespace letterbox::dicom
