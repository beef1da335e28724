#include "dicom/wrap/data_set.h"

#include <algorithm>
#include <initializer_list>

#include "base/error.h"

namespace letterbox::dicom {

namespace {

// Names this implementation (PS3.7 section D.3.3.2): a UUID of our own.
constexpr std::string_view kImplementation = "2.25.325985795750766570770112531404296148786";
constexpr std::string_view kImplementationVersion = "LETTERBOX";

void append(Bytes& out, std::uint32_t number, int size) {
  for (int i = 0; i < size; ++i) out.push_back(static_cast<Byte>(number >> 8 * i));
}

// PS3.5 table 7.1-1: these have a length of four bytes, and two bytes before it.
bool has_long_length(std::array<char, 2> vr) {
  const std::string_view name(vr.data(), vr.size());
  for (const char* known :
       {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})
    if (name == known) return true;
  return false;
}

void append_element(Bytes& out, std::uint32_t tag, std::array<char, 2> vr, ByteView value) {
  append(out, tag >> 16, 2);
  append(out, tag & 0xffff, 2);
  out.insert(out.end(), vr.begin(), vr.end());
  if (has_long_length(vr)) {
    append(out, 0, 2);
    append(out, static_cast<std::uint32_t>(value.size()), 4);
  } else {
    if (value.size() > 0xfffe)
      throw Error(ErrorCode::kTooLarge, "a value that is too long for its representation");
    append(out, static_cast<std::uint32_t>(value.size()), 2);
  }
  out.insert(out.end(), value.begin(), value.end());
}

Bytes encoded_items(const std::vector<DataSet>& items) {
  Bytes out;
  for (const DataSet& item : items) {
    const Bytes content = encoded(item);
    append(out, 0xe000fffe, 4);
    append(out, static_cast<std::uint32_t>(content.size()), 4);
    out.insert(out.end(), content.begin(), content.end());
  }
  return out;
}

void append_text(Bytes& out, std::uint32_t tag, const char (&vr)[3], std::string_view text) {
  const Element element = text_element(vr, text);
  append_element(out, tag, element.vr, element.value);
}

}  // namespace

Element text_element(const char (&vr)[3], std::string_view text) {
  Element element{.vr = {vr[0], vr[1]}};
  const ByteView bytes = as_bytes(text);
  element.value.assign(bytes.begin(), bytes.end());
  if (element.value.size() % 2 != 0)
    element.value.push_back(std::string_view(vr) == "UI" ? '\0' : ' ');
  return element;
}

Element time_element(std::string_view captured) {
  std::string text(captured.substr(0, 19));  // without its offset: there a hyphen is a sign
  std::erase_if(text, [](char c) { return c == '-' || c == 'T' || c == ':'; });
  for (const char c : captured.substr(std::min<std::size_t>(19, captured.size()))) {
    if (c != ':') text.push_back(c);
  }
  return text_element("DT", text);
}

Element number_element(std::uint16_t number) {
  Element element{.vr = {'U', 'S'}};
  append(element.value, number, 2);
  return element;
}

std::string text_of(const DataSet& data_set, std::uint32_t tag) {
  const auto found = data_set.find(tag);
  if (found == data_set.end()) return {};
  const std::string_view padded = as_text(found->second.value);
  const std::size_t last = padded.find_last_not_of(std::string_view(" \0", 2));
  return std::string(padded.substr(0, last == std::string_view::npos ? 0 : last + 1));
}

Bytes encoded(const DataSet& data_set) {
  Bytes out;
  for (const auto& [tag, element] : data_set) {
    const bool sequence = element.vr == std::array{'S', 'Q'};
    append_element(out, tag, element.vr,
                   sequence ? ByteView(encoded_items(element.items)) : ByteView(element.value));
  }
  return out;
}

Bytes file_head(const DataSet& data_set, std::string_view transfer_syntax) {
  Bytes meta;
  append_element(meta, 0x00020001, {'O', 'B'}, std::array<Byte, 2>{0, 1});
  append_text(meta, 0x00020002, "UI", text_of(data_set, tags::kSopClassUid));
  append_text(meta, 0x00020003, "UI", text_of(data_set, tags::kSopInstanceUid));
  append_text(meta, 0x00020010, "UI", transfer_syntax);
  append_text(meta, 0x00020012, "UI", kImplementation);
  append_text(meta, 0x00020013, "SH", kImplementationVersion);

  constexpr std::size_t kPreamble = 128;
  Bytes head(kPreamble, 0);
  for (const char letter : std::string_view("DICM")) head.push_back(static_cast<Byte>(letter));
  Bytes length;
  append(length, static_cast<std::uint32_t>(meta.size()), 4);
  append_element(head, 0x00020000, {'U', 'L'}, length);
  head.insert(head.end(), meta.begin(), meta.end());
  return head;
}

}  // namespace letterbox::dicom
