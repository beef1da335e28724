#include "client/terminal.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "client/files.h"

namespace letterbox::client {
namespace {

constexpr std::size_t kLongestText = 300;
constexpr std::uint64_t kRedrawEvery = 4ULL * 1024 * 1024;
constexpr unsigned kBarWidth = 30;

}  // namespace

std::string printable(std::string_view text) {
  std::string safe(text.substr(0, kLongestText));
  std::ranges::replace_if(
      safe, [](char letter) { return letter < ' ' || letter > '~'; }, '?');
  return safe;
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
  done_ += bytes;
  if (shown_ && done_ - drawn_ >= kRedrawEvery) draw();
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
  return piece;
}

}  // namespace letterbox::client
