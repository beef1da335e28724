#include "dicom/attributes/reader.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/dcmdata/dctk.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "base/error.h"
#include "dicom/attributes/characters.h"
#include "dicom/attributes/json_text.h"

namespace letterbox::dicom {

namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they lie");

std::string tag_text(const DcmTagKey& tag) {
  std::string text;
  for (const unsigned part : {unsigned{tag.getGroup()}, unsigned{tag.getElement()}}) {
    for (int shift = 12; shift >= 0; shift -= 4) text += "0123456789ABCDEF"[part >> shift & 15U];
  }
  return text;
}

Bytes value_of(DcmElement& element) {
  Bytes value(element.getLength());
  if (!value.empty() && element
                            .getPartialValue(value.data(), 0, static_cast<Uint32>(value.size()),
                                             nullptr, EBO_LittleEndian)
                            .bad()) {
    throw Error(ErrorCode::kNotWhatItClaims, "an element of the digest has no value");
  }
  return value;
}

template <typename Number>
Number number_at(ByteView value, std::size_t index) {
  Number number;
  std::memcpy(&number, value.data() + index * sizeof number, sizeof number);
  return number;
}

// Padding: PS3.5 section 6.2 says NUL for UI and a space for the others; files have both anywhere.
std::string_view without_padding(std::string_view text, bool leading_spaces_count) {
  while (text.ends_with(' ') || text.ends_with('\0')) text.remove_suffix(1);
  while (!leading_spaces_count && text.starts_with(' ')) text.remove_prefix(1);
  return text;
}

// `text` cut at each `delimiter`. Of nothing: nothing.
std::vector<std::string_view> split(std::string_view text, char delimiter) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = text.find(delimiter);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
    if (text.empty()) parts.push_back(text);
  }
  return parts;
}

// `open`, the parts with commas between them, `close`.
std::string joined(char open, const std::vector<std::string>& parts, char close) {
  std::string all(1, open);
  for (const std::string& part : parts) {
    if (all.size() > 1) all += ',';
    all += part;
  }
  all += close;
  return all;
}

// An empty value among others (section F.2.5).
constexpr const char* kEmpty = "null";

// Thrown and caught here: an element for which DICOM JSON has no words.
struct Unsayable {};

// How `element` is to be read. DCMTK has VRs of its own where an implicit file and the dictionary
// leave it open.
DcmEVR vr_of(DcmElement& element, bool signed_pixels) {
  if (element.getTag().getEVR() == EVR_xs) return signed_pixels ? EVR_SS : EVR_US;
  return DcmVR(element.getVR()).getValidEVR();
}

bool is_binary(DcmEVR vr) {
  constexpr std::array kBinary = {EVR_OB, EVR_OD, EVR_OF, EVR_OL, EVR_OV, EVR_OW, EVR_UN};
  return std::find(kBinary.begin(), kBinary.end(), vr) != kBinary.end();
}

bool is_written(const DcmTagKey& tag) {
  return tag.getElement() != 0 && tag != DCM_DataSetTrailingPadding;
}

template <typename Number>
std::string number_text(Number number) {
  if constexpr (std::is_floating_point_v<Number>) {
    if (!std::isfinite(number)) throw Unsayable();
  }
  std::array<char, 32> text;
  const char* end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  const std::string_view digits(text.data(), static_cast<std::size_t>(end - text.data()));
  if constexpr (sizeof(Number) == 8 && std::is_integral_v<Number>) {
    // Section F.2.3 lets an SV or UV be a string: a reader's double would round it.
    constexpr std::int64_t kExact = std::int64_t{1} << 53;
    if (std::cmp_greater(number, kExact) || std::cmp_less(number, -kExact)) {
      return '"' + std::string(digits) + '"';
    }
  }
  return std::string(digits);
}

template <typename Number>
std::vector<std::string> numbers(ByteView value) {
  if (value.size() % sizeof(Number) != 0) throw Unsayable();
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < value.size() / sizeof(Number); ++i) {
    texts.push_back(number_text(number_at<Number>(value, i)));
  }
  return texts;
}

std::vector<std::string> tags(ByteView value) {
  if (value.size() % 4 != 0) throw Unsayable();
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < value.size() / 2; i += 2) {
    texts.push_back(
        '"' +
        tag_text({number_at<std::uint16_t>(value, i), number_at<std::uint16_t>(value, i + 1)}) +
        '"');
  }
  return texts;
}

// Writes the elements of one data set, and of the items in it.
class Writer {
 public:
  /// `whole` becomes false when something had to be left out or replaced. It and `data_set` must
  /// outlive this.
  Writer(DcmItem& data_set, bool signed_pixels, bool& whole)
      : characters_(data_set), signed_pixels_(signed_pixels), whole_(whole) {}

  /// `"00100010":{…}`; nothing if it can't be said.
  std::optional<std::string> element(DcmElement& element);

 private:
  std::string content(DcmElement& element, DcmEVR vr);
  std::vector<std::string> values(ByteView value, DcmEVR vr);
  std::vector<std::string> items(DcmSequenceOfItems& sequence);
  std::string item(DcmItem& data_set);
  std::vector<std::string> texts(std::string_view value, DcmEVR vr);
  std::string one_of_many(std::string_view text, DcmEVR vr);
  std::string person_name(std::string_view name);
  std::vector<std::string> single_text(std::string_view value, DcmEVR vr);
  std::string string(std::string_view text);
  std::string utf8(std::string_view text, const char* delimiters);

  Characters characters_;
  bool signed_pixels_;
  bool& whole_;
};

std::optional<std::string> Writer::element(DcmElement& element) try {
  const DcmEVR vr = vr_of(element, signed_pixels_);
  return '"' + tag_text(element.getTag()) + "\":{\"vr\":\"" + DcmVR(vr).getVRName() + '"' +
         content(element, vr) + '}';
} catch (const Unsayable&) {
  whole_ = false;
  return std::nullopt;
}

std::string Writer::content(DcmElement& element, DcmEVR vr) {
  // Section F.2: what is written is UTF-8.
  if (element.getTag() == DCM_SpecificCharacterSet) return R"(,"Value":["ISO_IR 192"])";
  std::vector<std::string> list;
  if (vr == EVR_SQ) {
    list = items(dynamic_cast<DcmSequenceOfItems&>(element));
  } else {
    const Bytes value = value_of(element);
    if (value.empty()) return "";
    if (is_binary(vr)) return ",\"InlineBinary\":" + base64(value);
    list = values(value, vr);
  }
  return list.empty() ? "" : ",\"Value\":" + joined('[', list, ']');
}

std::vector<std::string> Writer::values(ByteView value, DcmEVR vr) {
  switch (vr) {
    case EVR_AT:
      return tags(value);
    case EVR_FL:
      return numbers<float>(value);
    case EVR_FD:
      return numbers<double>(value);
    case EVR_SL:
      return numbers<std::int32_t>(value);
    case EVR_SS:
      return numbers<std::int16_t>(value);
    case EVR_SV:
      return numbers<std::int64_t>(value);
    case EVR_UL:
      return numbers<std::uint32_t>(value);
    case EVR_US:
      return numbers<std::uint16_t>(value);
    case EVR_UV:
      return numbers<std::uint64_t>(value);
    case EVR_LT:
    case EVR_ST:
    case EVR_UR:
    case EVR_UT:
      return single_text(as_text(value), vr);
    default:
      return texts(as_text(value), vr);
  }
}

std::vector<std::string> Writer::items(DcmSequenceOfItems& sequence) {
  std::vector<std::string> all;
  for (DcmObject* object = sequence.nextInContainer(nullptr); object != nullptr;
       object = sequence.nextInContainer(object)) {
    auto& data_set = dynamic_cast<DcmItem&>(*object);
    // A character set holds for all within, unless that names another (PS3.3 C.12.1.1.2).
    all.push_back(data_set.tagExists(DCM_SpecificCharacterSet)
                      ? Writer(data_set, signed_pixels_, whole_).item(data_set)
                      : item(data_set));
  }
  return all;
}

std::string Writer::item(DcmItem& data_set) {
  std::vector<std::string> elements;
  for (DcmObject* object = data_set.nextInContainer(nullptr); object != nullptr;
       object = data_set.nextInContainer(object)) {
    if (!is_written(object->getTag())) continue;
    if (auto text = element(dynamic_cast<DcmElement&>(*object))) {
      elements.push_back(std::move(*text));
    }
  }
  return joined('{', elements, '}');
}

std::vector<std::string> Writer::texts(std::string_view value, DcmEVR vr) {
  const std::string text = utf8(value, vr == EVR_PN ? "\\^=" : "\\");
  std::vector<std::string> all;
  for (const std::string_view part : split(without_padding(text, false), '\\')) {
    all.push_back(one_of_many(without_padding(part, false), vr));
  }
  if (all == std::vector<std::string>{kEmpty}) all.clear();  // a name of empty groups
  return all;
}

std::string Writer::one_of_many(std::string_view text, DcmEVR vr) {
  if (text.empty()) return kEmpty;
  if (vr == EVR_PN) return person_name(text);
  if (vr != EVR_DS && vr != EVR_IS) return string(text);
  auto number = vr == EVR_DS ? decimal_number(text) : integer_number(text);
  if (!number) throw Unsayable();
  return std::move(*number);
}

std::string Writer::person_name(std::string_view name) {
  constexpr std::array kGroups = {"\"Alphabetic\":", "\"Ideographic\":", "\"Phonetic\":"};
  const std::vector<std::string_view> groups = split(name, '=');
  if (groups.size() > kGroups.size()) throw Unsayable();
  std::vector<std::string> members;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const std::string_view group = without_padding(groups[i], false);
    if (!group.empty()) members.push_back(kGroups.at(i) + string(group));
  }
  return members.empty() ? kEmpty : joined('{', members, '}');
}

std::vector<std::string> Writer::single_text(std::string_view value, DcmEVR vr) {
  const std::string text = utf8(value, "");
  const std::string_view single = without_padding(text, vr != EVR_UR);
  if (single.empty()) return {};
  return {string(single)};
}

std::string Writer::string(std::string_view text) {
  std::string json;
  if (!append_string(json, text)) whole_ = false;
  return json;
}

// What isn't in the character set is taken for UTF-8, which files that name none often have. What
// isn't that either is replaced when it is written.
std::string Writer::utf8(std::string_view text, const char* delimiters) {
  if (auto converted = characters_.to_utf8(text, delimiters)) return std::move(*converted);
  whole_ = false;
  return std::string(text);
}

struct Written {
  std::string tag;
  std::string json;  ///< empty: it can't be said
  bool left_out = false;
};

std::vector<Written> write_elements(DcmItem& data_set) {
  Uint16 pixel_representation = 0;
  data_set.findAndGetUint16(DCM_PixelRepresentation, pixel_representation);
  bool whole = true;
  Writer writer(data_set, pixel_representation == 1, whole);
  std::vector<Written> elements;
  for (DcmObject* object = data_set.nextInContainer(nullptr); object != nullptr;
       object = data_set.nextInContainer(object)) {
    if (!is_written(object->getTag())) continue;
    whole = true;
    auto text = writer.element(dynamic_cast<DcmElement&>(*object));
    elements.push_back({tag_text(object->getTag()), text ? std::move(*text) : "", !whole});
  }
  return elements;
}

// What names the instance, and what a list of letters is made of. The rest may be of any number,
// and then these must not be what doesn't fit.
bool is_looked_for(std::string_view tag) {
  constexpr std::array<std::string_view, 20> kTags = {
      "00080005",                                                              // characters
      "00080016", "00080018", "0020000D", "0020000E",                          // what it is
      "00100010", "00100020", "00100021", "00100030", "00100040",              // whose
      "00080020", "00080021", "00080022", "00080030", "00080050", "00080060",  // when, which
      "00081030", "0008103E", "00200011", "00200013"};
  return std::find(kTags.begin(), kTags.end(), tag) != kTags.end();
}

// The largest go first.
void leave_out_what_does_not_fit(std::vector<Written>& elements) {
  std::size_t size = std::string_view("{}").size();
  for (const Written& element : elements) size += element.json.size() + 1;
  if (size <= kMaxAttributes) return;
  std::vector<Written*> last_first;
  for (Written& element : elements) last_first.push_back(&element);
  const auto others =
      std::stable_partition(last_first.begin(), last_first.end(),
                            [](const Written* element) { return !is_looked_for(element->tag); });
  const auto is_larger = [](const Written* a, const Written* b) {
    return a->json.size() > b->json.size();
  };
  std::stable_sort(last_first.begin(), others, is_larger);
  std::stable_sort(others, last_first.end(), is_larger);
  for (Written* element : last_first) {
    if (size <= kMaxAttributes) return;
    size -= element->json.size() + 1;
    element->json.clear();
    element->left_out = true;
  }
}

Attributes together(std::vector<Written> elements) {
  Attributes all;
  std::vector<std::string> texts;
  for (Written& element : elements) {
    if (!element.json.empty()) texts.push_back(std::move(element.json));
    if (!element.left_out || all.left_out.size() > kMaxNamed) continue;
    all.left_out.push_back(all.left_out.size() < kMaxNamed ? element.tag : kMoreLeftOut);
  }
  all.json = joined('{', texts, '}');
  return all;
}

}  // namespace

void load_dictionary() {
  OFLog::configure(OFLogger::OFF_LOG_LEVEL);
  // Some programs write UN throughout; what the dictionary knows is read as what it is.
  dcmEnableUnknownVRConversion.set(OFTrue);
  unsetenv("DCMDICTPATH");  // one gateway's index is to look as another's
  if (!dcmDataDict.isDictionaryLoaded()) {
    throw Error(ErrorCode::kConfiguration, "DCMTK's data dictionary can't be read");
  }
  load_character_sets();
}

Attributes read_attributes(ByteView digest) {
  DcmInputBufferStream stream;
  stream.setBuffer(digest.data(), static_cast<offile_off_t>(digest.size()));
  stream.setEos();
  DcmFileFormat file;
  file.transferInit();
  // Every value is read at once: there is no file that it could be fetched from later.
  const OFCondition read = file.read(stream, EXS_Unknown, EGL_noChange, DCM_UndefinedLength);
  file.transferEnd();
  if (read.bad()) throw Error(ErrorCode::kNotWhatItClaims, "DCMTK can't read the file");
  std::vector<Written> elements = write_elements(*file.getDataset());
  leave_out_what_does_not_fit(elements);
  return together(std::move(elements));
}

}  // namespace letterbox::dicom
