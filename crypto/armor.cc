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
constexpr std::size_t kPieceSize = std::size_t{48} * 1024;

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
    std::size_t length = 0;
    while (true) {
      const std::size_t feed = as_text(unread()).find('\n', length);
      if (feed != std::string_view::npos) {
        std::string_view line = take(feed);
        ++position;
        if (line.ends_with('\r')) line.remove_suffix(1);
        return line;
      }
      length = unread().size();
      // Longer than a line may be is long enough to be refused for it.
      if (length > kColumns + 1 || !pull()) {
        if (length == 0) fail("it ends before its last line");
        return take(length);
      }
    }
  }

  std::string_view take(std::size_t length) {
    const std::string_view text = as_text(unread().first(length));
    position += length;
    return text;
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
