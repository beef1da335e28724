#include "dicom/attributes/characters.h"

#include <dcmtk/dcmdata/dcdeftag.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "dicom/attributes/japanese.h"

namespace letterbox::dicom {

namespace {

// Single-byte ones with and without code extensions, multi-byte ones as PS3.3 lists them.
constexpr std::array kCharacterSets = {
    "",
    "ISO_IR 100",
    "ISO_IR 101",
    "ISO_IR 109",
    "ISO_IR 110",
    "ISO_IR 144",
    "ISO_IR 127",
    "ISO_IR 126",
    "ISO_IR 138",
    "ISO_IR 148",
    "ISO_IR 13",
    "ISO_IR 166",
    "ISO_IR 192",
    "GB18030",
    "GBK",
    "\\ISO 2022 IR 149",
    "\\ISO 2022 IR 58",
    "ISO 2022 IR 100\\ISO 2022 IR 101\\ISO 2022 IR 109\\ISO 2022 IR 110\\ISO 2022 IR 144\\"
    "ISO 2022 IR 127\\ISO 2022 IR 126\\ISO 2022 IR 138\\ISO 2022 IR 148\\ISO 2022 IR 166",
};

// The same in every character set: DICOM's G0 is ISO 646 but for two signs of the Japanese variant,
// and a backslash is a delimiter there too (PS3.5 section 6.1.2.3).
bool is_plain_ascii(std::string_view text) {
  constexpr char kEscape = 0x1b;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80 && c != kEscape; });
}

// One character set of a data set that has several.
bool is_japanese_term(std::string_view term) {
  constexpr std::array<std::string_view, 5> kTerms = {"", "ISO 2022 IR 6", "ISO 2022 IR 13",
                                                      "ISO 2022 IR 87", "ISO 2022 IR 159"};
  return std::find(kTerms.begin(), kTerms.end(), term) != kTerms.end();
}

// The C library's names of what DCMTK 3.6.7 doesn't know.
constexpr const char* kJapanese = "EUC-JP";
constexpr const char* kLatin9 = "ISO-8859-15";  // ISO_IR 203

bool select(OFCharacterEncoding& encoding, const char* name) {
  return encoding.selectEncoding(name, "UTF-8").good();
}

}  // namespace

void load_character_sets() {
  static std::array<OFCharacterEncoding, 2> others;
  OFString unused;
  if (select(others[0], kJapanese)) others[0].convertString("A", unused);
  if (select(others[1], kLatin9)) others[1].convertString("A", unused);
  static std::vector<std::unique_ptr<DcmSpecificCharacterSet>> loaded;
  for (const char* set : kCharacterSets) {
    auto& converter = loaded.emplace_back(std::make_unique<DcmSpecificCharacterSet>());
    if (converter->selectCharacterSet(set).good()) converter->convertString("A", unused);
  }
}

Characters::Characters(DcmItem& data_set) : known_(converter_.selectCharacterSet(data_set).good()) {
  if (known_) return;
  std::vector<std::string> terms;
  OFString term;
  while (data_set.findAndGetOFString(DCM_SpecificCharacterSet, term, terms.size()).good()) {
    terms.emplace_back(term.data(), term.size());
  }
  if (std::all_of(terms.begin(), terms.end(), is_japanese_term)) {
    if (select(encoding_, kJapanese)) other_ = Other::kJapanese;
  } else if (terms == std::vector<std::string>{"ISO_IR 203"}) {
    if (select(encoding_, kLatin9)) other_ = Other::kLatin9;
  }
}

std::optional<std::string> Characters::to_utf8(std::string_view text, const char* delimiters) {
  if (is_plain_ascii(text)) return std::string(text);
  OFString converted;
  if (known_) {
    if (converter_.convertString(text.data(), text.size(), converted, delimiters).bad()) return {};
  } else {
    if (other_ == Other::kNone) return {};
    const std::optional<std::string> encoded =
        other_ == Other::kJapanese ? to_euc_jp(text) : std::string(text);
    if (!encoded || encoding_.convertString(encoded->data(), encoded->size(), converted).bad()) {
      return {};
    }
  }
  return std::string(converted.data(), converted.size());
}

}  // namespace letterbox::dicom
