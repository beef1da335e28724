#include "dicom/attributes/japanese.h"

#include <algorithm>
#include <array>

namespace letterbox::dicom {

namespace {

// What bytes below 0x80 mean, from an escape sequence on.
enum class G0 { kOneByte, kKanji, kSupplementaryKanji };

struct Escape {
  std::string_view sequence;
  std::optional<G0> sets;  ///< nothing: G1, which is katakana in any case
};

// PS3.3 tables C.12-3 and C.12-4.
constexpr std::array<Escape, 6> kEscapes = {{{"\x1b(B", G0::kOneByte},
                                             {"\x1b(J", G0::kOneByte},
                                             {"\x1b)I", std::nullopt},
                                             {"\x1b$B", G0::kKanji},
                                             {"\x1b$@", G0::kKanji},
                                             {"\x1b$(D", G0::kSupplementaryKanji}}};

constexpr char kSingleShift2 = '\x8e';  // katakana follow, in EUC-JP
constexpr char kSingleShift3 = '\x8f';  // supplementary kanji follow

char in_g1(char c) {
  return static_cast<char>(static_cast<unsigned char>(c) | 0x80U);
}

bool is_high(char c) {
  return in_g1(c) == c;
}

}  // namespace

std::optional<std::string> to_euc_jp(std::string_view text) {
  std::string euc;
  G0 g0 = G0::kOneByte;
  while (!text.empty()) {
    const char c = text.front();
    const auto* const escape =
        std::find_if(kEscapes.begin(), kEscapes.end(),
                     [&](const Escape& each) { return text.starts_with(each.sequence); });
    if (escape != kEscapes.end()) {
      g0 = escape->sets.value_or(g0);
      text.remove_prefix(escape->sequence.size());
    } else if (c == '\x1b') {
      return std::nullopt;
    } else if (is_high(c)) {
      (euc += kSingleShift2) += c;
      text.remove_prefix(1);
    } else if (g0 == G0::kOneByte) {
      euc += c;
      text.remove_prefix(1);
    } else {
      if (text.size() < 2 || is_high(text[1])) return std::nullopt;
      if (g0 == G0::kSupplementaryKanji) euc += kSingleShift3;
      (euc += in_g1(c)) += in_g1(text[1]);
      text.remove_prefix(2);
    }
  }
  return euc;
}

}  // namespace letterbox::dicom
