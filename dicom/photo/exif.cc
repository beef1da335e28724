#include "dicom/photo/exif.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string_view>

namespace letterbox::dicom {

namespace {

constexpr std::uint16_t kShort = 3;
constexpr std::uint16_t kLong = 4;
constexpr std::uint16_t kAscii = 2;

constexpr std::uint16_t kOrientation = 0x0112;
constexpr std::uint16_t kExifDirectory = 0x8769;
constexpr std::uint16_t kThumbnail = 0x0201;
constexpr std::uint16_t kStripOffsets = 0x0111;  // an uncompressed thumbnail

// When the picture was taken, and, if there was none of it, when it was made digital.
struct TimeTags {
  std::uint16_t time;
  std::uint16_t offset;
};
constexpr TimeTags kOriginal = {0x9003, 0x9011};
constexpr TimeTags kDigitized = {0x9004, 0x9012};

class Tiff {
 public:
  explicit Tiff(ByteView bytes) : bytes_(bytes) {
    if (bytes.size() < 8) return;
    little_ = bytes[0] == 'I';
    const std::string_view order = as_text(bytes.first(2));
    valid_ = (order == "II" || order == "MM") && number(2, 2) == 42;
  }

  std::size_t first_directory() const { return valid_ ? number(4, 4) : 0; }

  /// Where the entry for `tag` begins; 0 if there is none.
  std::size_t entry(std::size_t directory, std::uint16_t tag) const {
    const std::size_t end = end_of(directory);
    for (std::size_t at = directory + 2; at + 12 <= end; at += 12)
      if (number(at, 2) == tag) return at;
    return 0;
  }

  std::size_t next_directory(std::size_t directory) const {
    const std::size_t end = end_of(directory);
    return end != 0 ? number(end, 4) : 0;
  }

  /// The one number of an entry; 0 if it has another type.
  std::size_t value(std::size_t entry, std::uint16_t type) const {
    if (entry == 0 || number(entry + 2, 2) != type || number(entry + 4, 4) != 1) return 0;
    return number(entry + 8, type == kShort ? 2 : 4);
  }

  /// An entry's text without the NUL that ends it.
  std::string_view text(std::size_t entry) const {
    if (entry == 0 || number(entry + 2, 2) != kAscii) return {};
    const std::size_t count = number(entry + 4, 4);
    const std::size_t at = count <= 4 ? entry + 8 : number(entry + 8, 4);
    if (at > bytes_.size() || count > bytes_.size() - at) return {};
    const std::string_view all = as_text(bytes_.subspan(at, count));
    return all.substr(0, all.find('\0'));
  }

 private:
  /// 0 beyond the end.
  std::size_t number(std::size_t at, std::size_t size) const {
    if (at > bytes_.size() || size > bytes_.size() - at) return 0;
    std::size_t number = 0;
    for (std::size_t i = 0; i < size; ++i)
      number = number << 8 | bytes_[little_ ? at + size - 1 - i : at + i];
    return number;
  }

  /// Behind a directory's last entry; 0 if it doesn't lie in the bytes.
  std::size_t end_of(std::size_t directory) const {
    if (directory == 0 || directory > bytes_.size()) return 0;
    const std::size_t end = directory + 2 + 12 * number(directory, 2);
    return end <= bytes_.size() ? end : 0;
  }

  ByteView bytes_;
  bool little_ = false;
  bool valid_ = false;
};

std::optional<int> digits(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.front() == '-') return {};
  return number;
}

bool is_clock(std::string_view hours, std::string_view minutes) {
  const auto h = digits(hours);
  const auto m = digits(minutes);
  return h && m && *h < 24 && *m < 60;
}

// "2026:11:23 17:30:00" becomes "2026-11-23T17:30:00". A camera whose clock was never set writes
// zeros or blanks: that is no time.
std::optional<std::string> rfc3339(std::string_view exif) {
  if (exif.size() != 19 || exif[4] != ':' || exif[7] != ':' || exif[10] != ' ' || exif[13] != ':' ||
      exif[16] != ':')
    return std::nullopt;
  const auto year = digits(exif.substr(0, 4));
  const auto month = digits(exif.substr(5, 2));
  const auto day = digits(exif.substr(8, 2));
  const auto second = digits(exif.substr(17, 2));
  if (!year || !month || !day || !second || *second > 60) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || !is_clock(exif.substr(11, 2), exif.substr(14, 2))) return std::nullopt;
  std::string time(exif);
  time[4] = time[7] = '-';
  time[10] = 'T';
  return time;
}

// "+01:00", or nothing.
std::string_view offset_from_utc(std::string_view exif) {
  const bool well_formed = exif.size() == 6 && (exif[0] == '+' || exif[0] == '-') &&
                           exif[3] == ':' && is_clock(exif.substr(1, 2), exif.substr(4, 2));
  return well_formed ? exif : std::string_view();
}

}  // namespace

Exif read_exif(ByteView bytes) {
  const Tiff tiff(bytes);
  const std::size_t main = tiff.first_directory();
  Exif exif;
  const std::size_t orientation = tiff.value(tiff.entry(main, kOrientation), kShort);
  if (orientation >= 1 && orientation <= 8) exif.orientation = static_cast<int>(orientation);

  const std::size_t inner = tiff.value(tiff.entry(main, kExifDirectory), kLong);
  for (const TimeTags& tags : {kOriginal, kDigitized}) {
    exif.captured = rfc3339(tiff.text(tiff.entry(inner, tags.time)));
    if (!exif.captured) continue;
    exif.captured->append(offset_from_utc(tiff.text(tiff.entry(inner, tags.offset))));
    break;
  }

  const std::size_t second = tiff.next_directory(main);
  exif.thumbnail = tiff.entry(second, kThumbnail) != 0 || tiff.entry(second, kStripOffsets) != 0;
  return exif;
}

Bytes orientation_tiff(int orientation) {
  // Big endian; one directory at byte 8 with one entry, and no further directory.
  return {'M',
          'M',
          0,
          42,
          0,
          0,
          0,
          8,
          0,
          1,
          kOrientation >> 8,
          kOrientation & 0xff,
          0,
          kShort,
          0,
          0,
          0,
          1,
          0,
          static_cast<Byte>(orientation),
          0,
          0,
          0,
          0,
          0,
          0};
}

}  // namespace letterbox::dicom
