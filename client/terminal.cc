#include "client/terminal.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "base/error.h"
#include "client/files.h"

namespace letterbox::client {
namespace {

constexpr std::size_t kLongestText = 300;
constexpr std::uint64_t kRedrawEvery = 4ULL * 1024 * 1024;
constexpr unsigned kBarWidth = 30;

// The character that `text` begins with, as it is written; empty if that isn't UTF-8 (RFC 3629).
std::string_view first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t size = byte(0) < 0x80 ? 1 : byte(0) < 0xe0 ? 2 : byte(0) < 0xf0 ? 3 : 4;
  if (size == 1) return text.substr(0, 1);
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < size) return {};
  for (std::size_t i = 1; i < size; ++i)
    if ((byte(i) & 0xc0) != 0x80) return {};
  const bool is_in_range = !(byte(0) == 0xe0 && byte(1) < 0xa0) &&   // overlong
                           !(byte(0) == 0xed && byte(1) >= 0xa0) &&  // surrogates
                           !(byte(0) == 0xf0 && byte(1) < 0x90) &&   // overlong
                           !(byte(0) == 0xf4 && byte(1) >= 0x90);    // beyond U+10FFFF
  return is_in_range ? text.substr(0, size) : std::string_view();
}

char32_t code_point(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first;
  char32_t code = first & (0xffU >> (character.size() + 1));
  for (const char next : character.substr(1))
    code = code << 6 | (static_cast<unsigned char>(next) & 0x3fU);
  return code;
}

// Neither steers a terminal nor hides: no control, format, separator, tag or private character.
bool is_harmless(char32_t code) {
  static constexpr std::array<std::pair<char32_t, char32_t>, 14> kHarmful = {{
      {0x00, 0x1f},        // C0
      {0x7f, 0xa0},        // DEL, C1, no-break space
      {0xad, 0xad},        // soft hyphen
      {0x34f, 0x34f},      // combining grapheme joiner
      {0x61c, 0x61c},      // Arabic letter mark
      {0x115f, 0x1160},    // Hangul fillers
      {0x180b, 0x180f},    // Mongolian selectors, vowel separator
      {0x200b, 0x200f},    // zero width, marks of direction
      {0x2028, 0x202f},    // line and paragraph separator, embeddings and overrides
      {0x2060, 0x206f},    // invisible operators, isolates
      {0x3164, 0x3164},    // Hangul filler
      {0xe000, 0xf8ff},    // private use
      {0xfe00, 0xfe0f},    // variation selectors
      {0xe0000, 0x10ffff}  // tags, more selectors, private use
  }};
  static constexpr std::array<char32_t, 3> kAlone = {0xfeff, 0xffa0, 0xfffc};
  return std::ranges::none_of(
             kHarmful,
             [&](const auto& range) { return code >= range.first && code <= range.second; }) &&
         std::ranges::find(kAlone, code) == kAlone.end();
}

}  // namespace

std::string printable(std::string_view text) {
  std::string safe(text.substr(0, kLongestText));
  std::ranges::replace_if(
      safe, [](char letter) { return letter < ' ' || letter > '~'; }, '?');
  return safe;
}

std::string shown(std::string_view text) {
  std::string safe;
  for (std::size_t count = 0; !text.empty() && count < kLongestText; ++count) {
    const std::string_view character = first_character(text);
    const bool is_safe = !character.empty() && is_harmless(code_point(character));
    safe += is_safe ? character : "?";
    text.remove_prefix(std::max<std::size_t>(character.size(), 1));
  }
  return safe;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + shown(text);
  return list;
}

std::string human_size(std::uint64_t bytes) {
  static constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  std::ostringstream text;
  text << std::fixed << std::setprecision(unit == 0 ? 0 : 1) << value << ' ' << kUnits[unit];
  return text.str();
}

void notice(const std::string& text, bool as_json) {
  if (as_json)
    std::cerr << nlohmann::json{{"notice", text}} << '\n';
  else
    std::cerr << "notice: " << text << '\n';
}

bool confirmed(const std::string& question, const std::string& otherwise) {
  const FileDescriptor terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (terminal.get() < 0)
    throw Error(ErrorCode::kFile, "there is no terminal to ask on; " + otherwise);
  write_all(terminal.get(), as_bytes(question), "the terminal");
  std::array<char, 256> line{};
  const ssize_t size = ::read(terminal.get(), line.data(), line.size());
  if (size < 0) throw Error(ErrorCode::kFile, "the terminal can't be read");
  const std::string_view answer(line.data(), static_cast<std::size_t>(size));
  return answer == "y\n" || answer == "yes\n";
}

Progress::Progress(std::string label, std::optional<std::uint64_t> total, bool shown)
    : label_(std::move(label)), total_(total), shown_(shown && ::isatty(STDERR_FILENO) == 1) {
  if (shown_) draw();
}

Progress::~Progress() {
  if (shown_) std::cerr << "\r\033[K" << std::flush;
}

void Progress::advance(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  done_ += bytes;
  if (shown_ && done_ - drawn_ >= kRedrawEvery) draw();
}

void Progress::take_back(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  done_ -= std::min(bytes, done_);
  drawn_ = std::min(drawn_, done_);
}

void Progress::draw() {
  drawn_ = done_;
  std::string line = label_ + "  " + human_size(done_);
  if (total_ && *total_ > 0) {
    const auto filled = static_cast<unsigned>(std::min(done_, *total_) * kBarWidth / *total_);
    line += " of " + human_size(*total_) + "  [" + std::string(filled, '#') +
            std::string(kBarWidth - filled, ' ') + "]";
  }
  std::cerr << "\r\033[K" << line << std::flush;
}

ByteView WatchedSource::next() {
  const ByteView piece = source_.next();
  progress_.advance(piece.size());
  taken_ += piece.size();
  return piece;
}

}  // namespace letterbox::client
