#include "dicom/wrap/picture.h"

#include "base/error.h"

namespace letterbox::dicom {

namespace {

constexpr std::uint32_t kSamplesPerPixel = 0x00280002;
constexpr std::uint32_t kPhotometricInterpretation = 0x00280004;
constexpr std::uint32_t kPlanarConfiguration = 0x00280006;
constexpr std::uint32_t kNumberOfFrames = 0x00280008;
constexpr std::uint32_t kRows = 0x00280010;
constexpr std::uint32_t kColumns = 0x00280011;
constexpr std::uint32_t kBitsAllocated = 0x00280100;
constexpr std::uint32_t kBitsStored = 0x00280101;
constexpr std::uint32_t kHighBit = 0x00280102;
constexpr std::uint32_t kPixelRepresentation = 0x00280103;
constexpr std::uint32_t kLossyImageCompressionMethod = 0x00282114;

// PS3.6 table A-1.
constexpr std::string_view kJpegBaseline = "1.2.840.10008.1.2.4.50";
constexpr std::string_view kJpegExtended = "1.2.840.10008.1.2.4.51";

void describe(DataSet& data_set, std::uint16_t width, std::uint16_t height, std::uint16_t samples,
              std::string_view photometric) {
  data_set[kSamplesPerPixel] = number_element(samples);
  data_set[kPhotometricInterpretation] = text_element("CS", photometric);
  data_set.erase(kPlanarConfiguration);
  if (samples > 1) data_set[kPlanarConfiguration] = number_element(0);
  if (data_set.contains(kNumberOfFrames)) data_set[kNumberOfFrames] = text_element("IS", "1");
  data_set[kRows] = number_element(height);
  data_set[kColumns] = number_element(width);
  data_set[kBitsAllocated] = number_element(8);
  data_set[kBitsStored] = number_element(8);
  data_set[kHighBit] = number_element(7);
  data_set[kPixelRepresentation] = number_element(0);
}

// PS3.5 section 8.2.1: YBR_FULL_422 for all of JPEG's YCbCr, however its chroma is sampled.
std::string_view photometric_of(JpegColour colour) {
  switch (colour) {
    case JpegColour::kGrey:
      return "MONOCHROME2";
    case JpegColour::kRgb:
      return "RGB";
    case JpegColour::kYcc:
      return "YBR_FULL_422";
    case JpegColour::kCmyk:
    case JpegColour::kUnknown:
      break;
  }
  throw Error(ErrorCode::kUnsupportedTransferSyntax,
              "a JPEG in colours that DICOM has none of (CMYK); convert it to RGB");
}

void append_item(Bytes& out, std::uint16_t element, std::uint32_t length) {
  out.insert(out.end(),
             {0xfe, 0xff, static_cast<Byte>(element & 0xff), static_cast<Byte>(element >> 8)});
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<Byte>(length >> shift));
}

}  // namespace

std::string_view transfer_syntax_of(const JpegFrame& frame) {
  if (frame.precision == 8 && frame.marker == 0xc0) return kJpegBaseline;
  if (frame.precision == 8 && frame.marker == 0xc1) return kJpegExtended;
  throw Error(ErrorCode::kUnsupportedTransferSyntax,
              "a JPEG that DICOM has no transfer syntax for; make it a baseline one of 8 bits");
}

void describe_jpeg(DataSet& data_set, const JpegFrame& frame, JpegColour colour) {
  describe(data_set, static_cast<std::uint16_t>(frame.width),
           static_cast<std::uint16_t>(frame.height),
           static_cast<std::uint16_t>(frame.components.size()), photometric_of(colour));
  data_set[tags::kLossyImageCompression] = text_element("CS", "01");
  data_set[kLossyImageCompressionMethod] = text_element("CS", "ISO_10918_1");
}

void describe_pixels(DataSet& data_set, std::uint16_t width, std::uint16_t height, int samples) {
  describe(data_set, width, height, static_cast<std::uint16_t>(samples),
           samples == 1 ? "MONOCHROME2" : "RGB");
}

Bytes fragments_head() {
  Bytes head = {0xe0, 0x7f, 0x10, 0x00, 'O', 'B', 0, 0, 0xff, 0xff, 0xff, 0xff};
  append_item(head, 0xe000, 0);
  return head;
}

void append_fragment(Bytes& out, ByteView content) {
  append_item(out, 0xe000, static_cast<std::uint32_t>(content.size() + content.size() % 2));
  out.insert(out.end(), content.begin(), content.end());
  if (content.size() % 2 != 0) out.push_back(0);
}

Bytes fragments_end() {
  Bytes end;
  append_item(end, 0xe0dd, 0);
  return end;
}

}  // namespace letterbox::dicom
