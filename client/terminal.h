// What people see: text that is safe to print, and how far a transfer has come.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace letterbox::client {

/// A stranger's text, cut to 300 characters, with everything but printable ASCII replaced: an
/// escape sequence in it could rewrite what the terminal shows.
std::string printable(std::string_view text);

/// The same for text in UTF-8, by characters: letters of any script stay; what isn't UTF-8, and
/// characters that a terminal obeys, that can't be seen or that turn their neighbours around, are
/// replaced.
std::string shown(std::string_view text);
/// As shown() leaves them, "EXIF, thumbnail".
std::string joined(const std::vector<std::string>& texts);

/// "512 B", "5.2 MiB".
std::string human_size(std::uint64_t bytes);

/// Something that whoever runs the command should know, though it isn't the result: a line on
/// standard error, or a JSON object there.
void notice(const std::string& text, bool as_json);

/// Asks on the terminal, whatever standard input is. Only "y" and "yes" are yes. Throws Error kFile
/// if there is no terminal; `otherwise` says what to do then.
bool confirmed(const std::string& question, const std::string& otherwise);

/// A line on standard error that says how far something is, if that is a terminal and `shown`. It
/// is gone when this ends. Thread-safe.
class Progress {
 public:
  /// `label` is what is being done: "sending file 2 of 5". `total` in bytes, if it is known.
  Progress(std::string label, std::optional<std::uint64_t> total, bool shown);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void advance(std::uint64_t bytes);
  /// So much was in vain, and comes again.
  void take_back(std::uint64_t bytes);

 private:
  void draw();

  std::mutex mutex_;
  std::string label_;
  std::optional<std::uint64_t> total_;
  bool shown_;
  std::uint64_t done_ = 0;
  std::uint64_t drawn_ = 0;
};

/// Shows how much of a Source has been taken.
class WatchedSource final : public Source {
 public:
  /// Both must outlive this.
  WatchedSource(Source& source, Progress& progress) : source_(source), progress_(progress) {}
  ByteView next() override;
  std::uint64_t taken() const noexcept { return taken_; }

 private:
  Source& source_;
  Progress& progress_;
  std::uint64_t taken_ = 0;
};

}  // namespace letterbox::client
