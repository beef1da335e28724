// age's ASCII armor: strict PEM, RFC 7468 section 3, figure 3.
#include <algorithm>
#include <string>
#include <string_view>

#include "base/error.h"
#include "crypto/base64.h"
#include "crypto/passphrase_file.h"

namespace letterbox::crypto {

namespace {

constexpr std::string_view kBinaryMark = "age-encryption.org/";
constexpr std::string_view kBegin = "-----BEGIN AGE ENCRYPTED FILE-----";
constexpr std::string_view kEnd = "-----END AGE ENCRYPTED FILE-----";
constexpr std::size_t kColumns = 64;
// White space around the block is allowed; this much of it is nobody's habit.
constexpr std::size_t kMaxWhiteSpace = 1024;
constexpr std::size_t kPieceSize = 48 * 1024;

bool is_white_space(Byte byte) {
  return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

[[noreturn]] void fail(const char* what) {
  throw Error(ErrorCode::kMalformed, std::string("age armor: ") + what);
}

}  // namespace

bool looks_like_age(ByteView file) noexcept {
  if (as_text(file).starts_with(kBinaryMark)) return true;
  const auto begin = std::find_if_not(file.begin(), file.end(), is_white_space);
  return as_text({begin, file.end()}).starts_with(kBegin);
}

struct Dearmor::State {
  enum class Stage { kStart, kBinary, kArmored, kEnded };

  explicit State(Source& the_source) : source(the_source) {}

  ByteView next() {
    if (stage == Stage::kStart) start();
    switch (stage) {
      case Stage::kStart:
      case Stage::kBinary:
        return pass_on();
      case Stage::kArmored:
        return decode();
      case Stage::kEnded:
        break;
    }
    return {};
  }

  // Binary files begin with one fixed text. All others must be armored ones, so nothing else needs
  // telling apart.
  void start() {
    while (unread().size() < kBinaryMark.size() && pull()) {
    }
    if (as_text(unread()).starts_with(kBinaryMark)) {
      stage = Stage::kBinary;
      return;
    }
    skip_white_space();
    if (next_line() != kBegin) fail("neither an age file nor an armored one");
    stage = Stage::kArmored;
  }

  ByteView pass_on() {
    if (position < buffer.size()) {
      piece.assign(buffer.begin() + as_offset(position), buffer.end());
      position = buffer.size();
      return piece;
    }
    return source.next();
  }

  // Full lines, then at most one short line, then the end. Padding can stand in the last line
  // alone.
  ByteView decode() {
    piece.clear();
    while (piece.size() < kPieceSize) {
      const std::string_view line = next_line();
      if (line == kEnd) {
        skip_white_space();
        if (!unread().empty()) fail("something follows its end");
        stage = Stage::kEnded;
        break;
      }
      if (short_line) fail("a line shorter than 64 columns isn't the last");
      if (line.empty() || line.size() > kColumns) fail("a line isn't of 1 to 64 columns");
      const auto decoded = base64_decode(line, Padding::kRequired);
      if (!decoded) fail("a line isn't canonical base64");
      short_line = line.size() < kColumns || line.back() == '=';
      piece.insert(piece.end(), decoded->begin(), decoded->end());
    }
    return piece;
  }

  // Without its line end, LF or CRLF. The last line may go without.
  std::string_view next_line() {
    std::size_t searched = position;
    while (true) {
      const auto from = buffer.begin() + as_offset(searched);
      const auto end = std::find(from, buffer.end(), Byte{'\n'});
      const bool found = end != buffer.end();
      if (found || buffer.size() - position > kColumns + 2 || !pull_keeping(searched)) {
        return take_line(found ? static_cast<std::size_t>(end - buffer.begin()) : buffer.size(),
                         found);
      }
    }
  }

  std::string_view take_line(std::size_t line_end, bool with_feed) {
    std::string_view line = as_text(ByteView(buffer).subspan(position, line_end - position));
    position = line_end + (with_feed ? 1 : 0);
    if (with_feed && line.ends_with('\r')) line.remove_suffix(1);
    if (!with_feed && line.empty()) fail("it ends before its last line");
    return line;
  }

  void skip_white_space() {
    std::size_t skipped = 0;
    while (true) {
      while (position < buffer.size() && is_white_space(buffer[position])) {
        ++position;
        if (++skipped > kMaxWhiteSpace) fail("too much white space around it");
      }
      if (position < buffer.size() || !pull()) return;
    }
  }

  ByteView unread() const { return ByteView(buffer).subspan(position); }
  static std::ptrdiff_t as_offset(std::size_t size) { return static_cast<std::ptrdiff_t>(size); }

  bool pull() {
    buffer.erase(buffer.begin(), buffer.begin() + as_offset(position));
    position = 0;
    const ByteView more = source.next();
    buffer.insert(buffer.end(), more.begin(), more.end());
    return !more.empty();
  }

  bool pull_keeping(std::size_t& searched) {
    searched = buffer.size() - position;
    return pull();
  }

  Source& source;
  Stage stage = Stage::kStart;
  Bytes buffer;
  std::size_t position = 0;
  Bytes piece;
  bool short_line = false;
};

Dearmor::Dearmor(Source& source) : state_(std::make_unique<State>(source)) {}
Dearmor::~Dearmor() = default;

ByteView Dearmor::next() {
  return state_->next();
}

}  // namespace letterbox::crypto
