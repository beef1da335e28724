#include "dicom/part10/element.h"

#include <algorithm>

namespace letterbox::dicom {

namespace {

// PS3.5 tables 7.1-1 and 7.1-2.
constexpr std::string_view kShortVrs = "AEASATCSDADSDTFDFLISLOLTPNSHSLSSSTTMUIULUS";
constexpr std::string_view kLongVrs = "OBODOFOLOVOWSQSVUCUNURUTUV";

bool holds(std::string_view vrs, const Vr& vr) {
  for (std::size_t i = 0; i < vrs.size(); i += 2) {
    if (vrs[i] == vr[0] && vrs[i + 1] == vr[1]) return true;
  }
  return false;
}

}  // namespace

VrKind kind_of(const Vr& vr) noexcept {
  if (holds(kShortVrs, vr)) return VrKind::kShort;
  if (holds(kLongVrs, vr)) return VrKind::kLong;
  const auto capital = [](char c) { return c >= 'A' && c <= 'Z'; };
  return capital(vr[0]) && capital(vr[1]) ? VrKind::kUnknown : VrKind::kNone;
}

}  // namespace letterbox::dicom
