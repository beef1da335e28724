#include "dicom/part10/identifiers.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "dicom/part10/uid.h"

namespace letterbox::dicom {

namespace {

struct Identifier {
  Tag tag;
  std::string InstanceUids::*member;
};

constexpr auto kIdentifiers = std::to_array<Identifier>({
    {0x00080016, &InstanceUids::sop_class},
    {0x00080018, &InstanceUids::sop_instance},
    {0x0020000d, &InstanceUids::study},
    {0x0020000e, &InstanceUids::series},
});

const Identifier* find(Tag tag) noexcept {
  const auto found = std::find_if(kIdentifiers.begin(), kIdentifiers.end(),
                                  [tag](const Identifier& one) { return one.tag == tag; });
  return found == kIdentifiers.end() ? nullptr : &*found;
}

[[noreturn]] void refuse(const char* rule) {
  throw Error(ErrorCode::kNotWhatItClaims, rule);
}

}  // namespace

bool is_identifier(Tag tag) noexcept {
  return find(tag) != nullptr;
}

bool Identifiers::element(const Element& element) {
  const Identifier* const identifier = find(element.tag);
  if (identifier == nullptr) return false;
  if (element.encoding.explicit_vr && !is(element.vr, "UI") && !is(element.vr, "UN")) {
    refuse("a UID that names the instance is of another VR");
  }
  if (element.length > kMaxUid + 1) refuse("a UID that names the instance is too long");
  if (!(known_.*identifier->member).empty()) {
    refuse("a UID that names the instance is there twice");
  }
  present_ = identifier->member;
  text_.clear();
  return true;
}

void Identifiers::value(ByteView piece) {
  text_ += as_text(piece);
}

void Identifiers::end_value() {
  const auto uid = parse_uid(text_);
  if (!uid) refuse("a UID that names the instance isn't a UID");
  known_.*present_ = *uid;
}

void Identifiers::finish() const {
  for (const Identifier& identifier : kIdentifiers) {
    if ((known_.*identifier.member).empty()) {
      refuse(
          "there isn't each of the UIDs that name the instance: SOP class, SOP instance, study, "
          "series");
    }
  }
}

}  // namespace letterbox::dicom
