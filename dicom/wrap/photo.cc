#include "dicom/wrap/photo.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/secret.h"
#include "base/uuid.h"
#include "dicom/part10/uid.h"
#include "dicom/photo/jpeg.h"
#include "dicom/photo/png.h"
#include "dicom/wrap/data_set.h"
#include "dicom/wrap/metadata.h"
#include "dicom/wrap/picture.h"
#include "dicom/wrap/upright.h"

namespace letterbox::dicom {

namespace {

// PS3.6 table A-1.
constexpr std::string_view kVlPhotographicImage = "1.2.840.10008.5.1.4.1.1.77.1.4";

constexpr std::uint32_t kRequestedProcedureDescription = 0x00321060;

std::string decimal(std::span<const Byte, 16> number) {
  std::array<Byte, 16> rest;
  std::copy(number.begin(), number.end(), rest.begin());
  std::string digits;
  do {
    unsigned remainder = 0;
    for (Byte& byte : rest) {
      const unsigned part = remainder << 8 | byte;
      byte = static_cast<Byte>(part / 10);
      remainder = part % 10;
    }
    digits.push_back(static_cast<char>('0' + remainder));
  } while (std::any_of(rest.begin(), rest.end(), [](Byte byte) { return byte != 0; }));
  std::reverse(digits.begin(), digits.end());
  return digits;
}

[[noreturn]] void refuse_context(const char* what) {
  throw Error(ErrorCode::kMalformed, std::string("DICOM can't express this ") + what);
}

// Most characters of a VR (PS3.5 table 6.2-1), counted in UTF-8.
void check_length(std::string_view text, std::size_t most, const char* what) {
  const auto characters = std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  });
  if (static_cast<std::size_t>(characters) > most) refuse_context(what);
}

// One value in one line: a backslash would begin another value.
void put_line(DataSet& data_set, std::uint32_t tag, const char (&vr)[3], std::size_t most,
              const std::optional<std::string>& text, const char* what) {
  const std::string_view line = text ? std::string_view(*text) : std::string_view();
  check_length(line, most, what);
  for (const char c : line)
    if (c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) refuse_context(what);
  data_set[tag] = text_element(vr, line);
}

void put_uid(DataSet& data_set, std::uint32_t tag, std::string_view uid) {
  if (!parse_uid(uid)) refuse_context("UID");
  data_set[tag] = text_element("UI", uid);
}

// "1970-12-31" as "19701231".
std::string date_of(std::string_view text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  const auto read = [text](std::size_t at, std::size_t size, auto& number) {
    const char* const end = text.data() + at + size;
    const bool digits = text.find_first_not_of("0123456789", at) >= at + size;
    return digits && std::from_chars(text.data() + at, end, number).ptr == end;
  };
  const bool well_formed = text.size() == 10 && text[4] == '-' && text[7] == '-' &&
                           read(0, 4, year) && read(5, 2, month) && read(8, 2, day);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!well_formed || !date.ok()) refuse_context("date");
  std::string digits(text);
  std::erase(digits, '-');
  return digits;
}

void put_patient(DataSet& data_set, const PhotoContext& context) {
  put_line(data_set, tags::kPatientName, "PN", 64, context.patient_name, "patient's name");
  put_line(data_set, tags::kPatientId, "LO", 64, context.patient_id, "patient's id");
  if (context.patient_id_issuer)
    put_line(data_set, tags::kIssuerOfPatientId, "LO", 64, context.patient_id_issuer, "issuer");
  data_set[tags::kPatientBirthDate] =
      text_element("DA", context.born ? date_of(*context.born) : "");
  put_line(data_set, tags::kPatientSex, "CS", 16, context.sex, "patient's sex");
}

void put_study(DataSet& data_set, const PhotoContext& context) {
  put_line(data_set, tags::kAccessionNumber, "SH", 16, context.accession_number,
           "accession number");
  put_line(data_set, tags::kReferringPhysician, "PN", 64, context.referring_physician,
           "physician's name");
  put_line(data_set, tags::kStudyId, "SH", 16, context.study_id, "study id");
  if (context.study_description)
    put_line(data_set, tags::kStudyDescription, "LO", 64, context.study_description,
             "study description");
  put_uid(data_set, tags::kStudyInstanceUid, context.study_uid);
  put_uid(data_set, tags::kSeriesInstanceUid, context.series_uid);
}

const char* code_of(Laterality side) {
  switch (side) {
    case Laterality::kLeft:
      return "L";
    case Laterality::kRight:
      return "R";
    case Laterality::kBoth:
      return "B";
  }
  return "";
}

// Body Part Examined has 16 characters of a small alphabet. What doesn't fit is in Series
// Description, which viewers show anyway.
void put_site(DataSet& data_set, const PhotoContext& context) {
  constexpr std::uint32_t kSeriesDescription = 0x0008103e;
  constexpr std::uint32_t kBodyPartExamined = 0x00180015;
  constexpr std::uint32_t kLaterality = 0x00200060;
  constexpr std::uint32_t kImageLaterality = 0x00200062;
  if (context.site) {
    put_line(data_set, kSeriesDescription, "LO", 64, context.site, "body site");
    std::string code;
    for (const char c : *context.site)
      code += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    const bool fits =
        code.size() <= 16 && std::all_of(code.begin(), code.end(), [](char c) {
          return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' ' || c == '_';
        });
    if (fits) data_set[kBodyPartExamined] = text_element("CS", code);
  }
  if (context.side) {
    data_set[kImageLaterality] = text_element("CS", code_of(*context.side));
  } else {
    data_set[kLaterality] = text_element("CS", "");  // may belong to one of a pair: not known
  }
}

// Note, and what was agreed to: DICOM has no place of its own for the latter outside trials.
void put_comments(DataSet& data_set, const PhotoContext& context) {
  constexpr std::uint32_t kImageComments = 0x00204000;
  std::string comments = context.note.value_or("");
  if (context.consent) {
    if (!comments.empty()) comments += "\r\n";
    comments += "Consent: " + *context.consent;
  }
  if (comments.empty()) return;
  check_length(comments, 10240, "note");
  data_set[kImageComments] = text_element("LT", comments);
}

// When the photo was taken, as far as it says so. Else its study at least is dated: by `now`, in
// UTC.
void put_times(DataSet& data_set, const std::optional<std::string>& captured,
               std::chrono::sys_seconds now) {
  constexpr std::uint32_t kStudyDate = 0x00080020;
  constexpr std::uint32_t kContentDate = 0x00080023;
  constexpr std::uint32_t kStudyTime = 0x00080030;
  constexpr std::uint32_t kContentTime = 0x00080033;
  constexpr std::uint32_t kTimezoneOffset = 0x00080201;
  constexpr std::size_t kWithoutOffset = 19;  // "2026-11-23T17:30:00"
  std::string date;
  std::string time;
  std::string offset;
  if (captured) {
    date = date_of(std::string_view(*captured).substr(0, 10));
    time = captured->substr(11, 2) + captured->substr(14, 2) + captured->substr(17, 2);
    offset = captured->substr(kWithoutOffset);
    std::erase(offset, ':');
    data_set[kContentDate] = text_element("DA", date);
    data_set[kContentTime] = text_element("TM", time);
    data_set[tags::kAcquisitionDateTime] = time_element(*captured);
  } else {
    const auto day = std::chrono::floor<std::chrono::days>(now);
    const std::chrono::year_month_day ymd(day);
    const std::chrono::hh_mm_ss clock(now - day);
    char text[32];
    std::snprintf(text, sizeof text, "%04d%02u%02u%02d%02d%02d", static_cast<int>(ymd.year()),
                  static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()),
                  static_cast<int>(clock.hours().count()),
                  static_cast<int>(clock.minutes().count()),
                  static_cast<int>(clock.seconds().count()));
    date.assign(text, 8);
    time.assign(text + 8);
    offset = "+0000";
  }
  data_set[kStudyDate] = text_element("DA", date);
  data_set[kStudyTime] = text_element("TM", time);
  if (!offset.empty()) data_set[kTimezoneOffset] = text_element("SH", offset);
}

// PS3.3 section A.32.4.3, but for what the picture itself decides.
DataSet attributes_of(const PhotoContext& context, const std::optional<std::string>& captured,
                      std::chrono::sys_seconds now) {
  constexpr std::uint32_t kImageType = 0x00080008;
  constexpr std::uint32_t kModality = 0x00080060;
  constexpr std::uint32_t kManufacturer = 0x00080070;
  constexpr std::uint32_t kSeriesNumber = 0x00200011;
  constexpr std::uint32_t kInstanceNumber = 0x00200013;
  constexpr std::uint32_t kPatientOrientation = 0x00200020;
  constexpr std::uint32_t kAcquisitionContext = 0x00400555;
  DataSet data_set;
  data_set[tags::kSpecificCharacterSet] = text_element("CS", "ISO_IR 192");
  data_set[kImageType] = text_element("CS", "ORIGINAL\\PRIMARY");
  data_set[tags::kSopClassUid] = text_element("UI", kVlPhotographicImage);
  data_set[tags::kSopInstanceUid] = text_element("UI", new_uid());
  data_set[kModality] = text_element("CS", "XC");
  data_set[kManufacturer] = text_element("LO", "");
  data_set[kSeriesNumber] = text_element("IS", "1");
  data_set[kInstanceNumber] = text_element("IS", std::to_string(context.number));
  data_set[kPatientOrientation] = text_element("CS", "");
  data_set[kAcquisitionContext] = Element{.vr = {'S', 'Q'}};
  put_patient(data_set, context);
  put_study(data_set, context);
  put_site(data_set, context);
  put_comments(data_set, context);
  put_times(data_set, captured, now);
  return data_set;
}

// How much smaller the JPEG is than its pixels (PS3.3 section C.7.6.1.1.5.2).
void put_ratio(DataSet& data_set, const JpegFrame& frame, std::size_t jpeg_size) {
  constexpr std::uint32_t kLossyImageCompressionRatio = 0x00282112;
  const double pixels =
      double(frame.width) * double(frame.height) * double(frame.components.size());
  char ratio[32];
  std::snprintf(ratio, sizeof ratio, "%.4g", pixels / double(jpeg_size));
  data_set[kLossyImageCompressionRatio] = text_element("DS", ratio);
}

// A clean JPEG's colour profile, put together from its segments; they have been walked before.
Bytes colour_profile(ByteView jpeg) {
  constexpr std::string_view kName("ICC_PROFILE\0", 12);
  constexpr std::size_t kHead = 4 + kName.size() + 2;  // marker, length, name, number, count
  std::array<ByteView, 256> parts;
  for (std::size_t at = 2; jpeg[at + 1] != 0xda;) {
    const std::size_t size = 2 + (std::size_t{jpeg[at + 2]} << 8 | jpeg[at + 3]);
    const ByteView segment = jpeg.subspan(at, size);
    if (segment[1] == 0xe2 && size > kHead) parts.at(segment[16]) = segment.subspan(kHead);
    at += size;
  }
  Bytes profile;
  for (const ByteView part : parts) profile.insert(profile.end(), part.begin(), part.end());
  return profile;
}

void put_colour_profile(DataSet& data_set, Bytes profile) {
  constexpr std::uint32_t kIccProfile = 0x00282000;
  if (profile.empty()) return;
  if (profile.size() % 2 != 0) profile.push_back(0);
  data_set[kIccProfile] = Element{.vr = {'O', 'B'}, .value = std::move(profile)};
}

Bytes file_of_jpeg(DataSet& data_set, const JpegFrame& frame, JpegColour colour, ByteView jpeg) {
  describe_jpeg(data_set, frame, colour);
  put_ratio(data_set, frame, jpeg.size());
  Bytes file = file_head(data_set, transfer_syntax_of(frame));
  const auto append = [&file](const Bytes& part) {
    file.insert(file.end(), part.begin(), part.end());
  };
  file.reserve(file.size() + jpeg.size() + (std::size_t{1} << 20));
  append(encoded(data_set));
  append(fragments_head());
  append_fragment(file, jpeg);
  append(fragments_end());
  return file;
}

Bytes file_of_pixels(DataSet& data_set, Pixels pixels) {
  constexpr std::size_t kMostLines = 0xffff;
  if (pixels.width > kMostLines || pixels.height > kMostLines)
    throw Error(ErrorCode::kTooLarge, "a picture of more rows or columns than DICOM can count");
  describe_pixels(data_set, static_cast<std::uint16_t>(pixels.width),
                  static_cast<std::uint16_t>(pixels.height), static_cast<int>(pixels.samples));
  if (pixels.bytes.size() % 2 != 0) pixels.bytes.push_back(0);
  data_set[tags::kPixelData] = Element{.vr = {'O', 'B'}, .value = std::move(pixels.bytes)};
  Bytes file = file_head(data_set, kExplicitLittleEndian);
  const Bytes rest = encoded(data_set);
  file.insert(file.end(), rest.begin(), rest.end());
  wipe(data_set[tags::kPixelData].value);
  return file;
}

// What a clean JPEG became by being recoded.
Bytes file_of_recoded(DataSet& data_set, const Bytes& jpeg) {
  ViewSource source(jpeg);
  JpegCleaner walker(source);
  while (!walker.next().empty()) {
  }
  return file_of_jpeg(data_set, *walker.frame(), walker.colour(), jpeg);
}

WrappedPhoto wrap_jpeg(Source& photo, const PhotoContext& context, std::chrono::sys_seconds now) {
  JpegCleaner cleaner(photo);
  const Bytes jpeg = read_all(cleaner, kMaxWrapped);
  const JpegFrame& frame = *cleaner.frame();
  const JpegColour colour = cleaner.colour();
  const bool grey = colour == JpegColour::kGrey;
  const bool lossless = (frame.marker & 3) == 3;
  const bool known = grey || colour == JpegColour::kRgb || colour == JpegColour::kYcc;
  if (frame.precision != 8 || lossless || !known)
    throw Error(ErrorCode::kUnsupportedMediaType,
                "only a grey or colour photo of 8 bits becomes DICOM: not CMYK, 12 bits or "
                "lossless JPEG");

  DataSet data_set = attributes_of(context, cleaner.finding().captured, now);
  put_colour_profile(data_set, colour_profile(jpeg));
  // VL images in RGB are uncompressed ones (PS3.3 section C.8.12.1.1.1).
  const bool compressed = colour != JpegColour::kRgb;
  const bool as_it_is =
      cleaner.orientation() == 1 && (frame.marker == 0xc0 || frame.marker == 0xc1);
  if (compressed && as_it_is)
    return {file_of_jpeg(data_set, frame, colour, jpeg), cleaner.finding()};

  if (std::size_t(frame.width) * std::size_t(frame.height) > kMaxPixels)
    throw Error(ErrorCode::kTooLarge, "a picture of more pixels than can be turned here");
  if (compressed) {
    if (const auto turned = recoded(jpeg, cleaner.orientation()))
      return {file_of_recoded(data_set, *turned), cleaner.finding()};
  }
  Pixels pixels = decoded_jpeg(jpeg, grey, cleaner.orientation(), kMaxPixels);
  describe_jpeg(data_set, frame, colour);
  put_ratio(data_set, frame, jpeg.size());
  return {file_of_pixels(data_set, std::move(pixels)), cleaner.finding()};
}

WrappedPhoto wrap_png(Source& photo, const PhotoContext& context, std::chrono::sys_seconds now) {
  PngCleaner cleaner(photo);
  const Bytes png = read_all(cleaner, kMaxWrapped);
  DataSet data_set = attributes_of(context, cleaner.finding().captured, now);
  // Whether it once was a JPEG it doesn't tell.
  data_set[tags::kLossyImageCompression] = text_element("CS", "");
  return {file_of_pixels(data_set, decoded_png(png, cleaner.orientation(), kMaxPixels)),
          cleaner.finding()};
}

std::optional<std::string> value_of(const DataSet& data_set, std::uint32_t tag) {
  std::string text = text_of(data_set, tag);
  return text.empty() ? std::nullopt : std::optional(std::move(text));
}

}  // namespace

std::string new_uid() {
  return "2.25." + decimal(Uuid::v7().bytes());
}

PhotoContext new_photo_context() {
  return {.study_uid = new_uid(), .series_uid = new_uid()};
}

PhotoContext parse_worklist_entry(ByteView json) {
  const DataSet entry = parse_instance(json).attributes;
  PhotoContext context = new_photo_context();
  context.patient_name = value_of(entry, tags::kPatientName);
  context.patient_id = value_of(entry, tags::kPatientId);
  context.patient_id_issuer = value_of(entry, tags::kIssuerOfPatientId);
  context.sex = value_of(entry, tags::kPatientSex);
  context.accession_number = value_of(entry, tags::kAccessionNumber);
  context.referring_physician = value_of(entry, tags::kReferringPhysician);
  context.study_id = value_of(entry, tags::kStudyId);
  context.study_description = value_of(entry, tags::kStudyDescription);
  if (!context.study_description)
    context.study_description = value_of(entry, kRequestedProcedureDescription);
  if (const auto born = value_of(entry, tags::kPatientBirthDate)) {
    if (born->size() != 8) refuse_context("date");
    context.born = born->substr(0, 4) + "-" + born->substr(4, 2) + "-" + born->substr(6);
    date_of(*context.born);
  }
  if (const auto study = value_of(entry, tags::kStudyInstanceUid)) context.study_uid = *study;
  return context;
}

WrappedPhoto wrap_photo(MediaType type, Source& photo, const PhotoContext& context,
                        std::chrono::sys_seconds now) {
  switch (type) {
    case MediaType::kJpeg:
      return wrap_jpeg(photo, context, now);
    case MediaType::kPng:
      return wrap_png(photo, context, now);
    case MediaType::kDicom:
      break;
  }
  throw Error(ErrorCode::kUnsupportedMediaType, "only a JPEG or a PNG becomes DICOM");
}

}  // namespace letterbox::dicom
