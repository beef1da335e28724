#include "crypto/header.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <string>

#include "base/error.h"
#include "crypto/base64.h"
#include "crypto/kdf.h"
#include "crypto/stanza.h"

namespace letterbox::crypto {

namespace {

constexpr std::string_view kVersionLine = "age-encryption.org/v1\n";
constexpr std::string_view kStanzaMark = "-> ";
constexpr std::string_view kEndMark = "---";
constexpr std::size_t kColumns = 64;
constexpr std::size_t kBytesPerLine = kColumns / 4 * 3;

// Lines off the front of a Source, keeping all that was read.
class Lines {
 public:
  explicit Lines(Source& source) : source_(source) {}

  // The version line comes first and is compared as it arrives, so that a file which isn't age is
  // called that instead of being searched for a line end.
  void expect_version() {
    while (buffer_.size() < kVersionLine.size() && pull()) {
    }
    if (!as_text(buffer_).starts_with(kVersionLine))
      throw Error(ErrorCode::kMalformed, "not an age file: it doesn't begin with " +
                                             std::string(kVersionLine.substr(0, 21)));
    position_ = kVersionLine.size();
    line_number_ = 1;
  }

  // The next line without its line feed; valid until the next call.
  std::string_view next() {
    ++line_number_;
    std::size_t searched = position_;
    while (true) {
      const auto begin = buffer_.begin();
      const auto end = std::find(begin + as_offset(searched), buffer_.end(), Byte{'\n'});
      const auto line_end = static_cast<std::size_t>(end - begin);
      if (line_end >= kMaxHeaderSize)
        throw Error(ErrorCode::kTooLarge,
                    "age header: larger than " + std::to_string(kMaxHeaderSize) + " bytes");
      if (end != buffer_.end()) {
        const auto line = as_text(ByteView(buffer_).subspan(position_, line_end - position_));
        position_ = line_end + 1;
        return line;
      }
      searched = buffer_.size();
      if (!pull()) fail("the header ends in the middle of a line");
    }
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kMalformed,
                "age header, line " + std::to_string(line_number_) + ": " + what);
  }

  // All that was read as lines, and what came behind.
  ByteView read() const { return ByteView(buffer_).first(position_); }
  ByteView unread() const { return ByteView(buffer_).subspan(position_); }

 private:
  static std::ptrdiff_t as_offset(std::size_t size) { return static_cast<std::ptrdiff_t>(size); }

  bool pull() {
    const ByteView piece = source_.next();
    buffer_.insert(buffer_.end(), piece.begin(), piece.end());
    return !piece.empty();
  }

  Source& source_;
  Bytes buffer_;
  std::size_t position_ = 0;
  std::size_t line_number_ = 0;
};

bool is_argument(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x21 && c <= 0x7e; });
}

// argument *(SP argument)
std::vector<std::string> parse_arguments(const Lines& lines, std::string_view text) {
  std::vector<std::string> arguments;
  while (true) {
    const std::size_t space = text.find(' ');
    const std::string_view argument = text.substr(0, space);
    if (!is_argument(argument))
      lines.fail("stanza arguments are visible ASCII, one space apart, none empty");
    arguments.emplace_back(argument);
    if (space == std::string_view::npos) return arguments;
    text.remove_prefix(space + 1);
  }
}

// *full-line final-line
Bytes parse_body(Lines& lines) {
  Bytes body;
  while (true) {
    const std::string_view line = lines.next();
    if (line.size() > kColumns) lines.fail("a stanza body is wrapped at 64 columns");
    const auto decoded = base64_decode(line, Padding::kNone);
    if (!decoded) lines.fail("a stanza body is canonical unpadded base64");
    body.insert(body.end(), decoded->begin(), decoded->end());
    if (line.size() < kColumns) return body;
  }
}

// SP 43base64char
std::array<Byte, 32> parse_mac(const Lines& lines, std::string_view text) {
  std::array<Byte, 32> mac;
  std::optional<Bytes> decoded;
  if (text.starts_with(' ')) decoded = base64_decode(text.substr(1), Padding::kNone);
  if (!decoded || decoded->size() != mac.size())
    lines.fail("\"---\" is followed by a space and the unpadded base64 of a 32-byte MAC");
  std::copy(decoded->begin(), decoded->end(), mac.begin());
  return mac;
}

void append(Bytes& bytes, std::string_view text) {
  bytes.insert(bytes.end(), text.begin(), text.end());
}

void append_stanza(Bytes& bytes, const Stanza& stanza) {
  append(bytes, "->");
  for (const std::string& argument : stanza.arguments) {
    if (!is_argument(argument))
      throw Error(ErrorCode::kInternal, "stanza argument that a header can't hold");
    append(bytes, " ");
    append(bytes, argument);
  }
  append(bytes, "\n");
  // A body that fills its last line is followed by an empty one: readers stop at a short line.
  ByteView rest = stanza.body;
  while (true) {
    const ByteView line = rest.first(std::min(kBytesPerLine, rest.size()));
    append(bytes, base64_encode(line, Padding::kNone) + '\n');
    if (line.size() < kBytesPerLine) return;
    rest = rest.subspan(line.size());
  }
}

std::array<Byte, 32> header_mac(const FileKey& file_key, ByteView authenticated) {
  return hmac_sha256(hkdf_sha256(file_key.reveal(), {}, "header"), authenticated);
}

// A passphrase stands for its sender: who opens with it takes the file to be from somebody who
// knows it. A second stanza would let others in unseen, so age forbids one.
void require_lone_scrypt(const Header& header) {
  const auto& stanzas = header.stanzas;
  if (stanzas.size() > 1 && std::any_of(stanzas.begin(), stanzas.end(), is_scrypt))
    throw Error(ErrorCode::kMalformed, "age header: a scrypt stanza must be the only one");
}

}  // namespace

Header read_header(Source& source, Bytes& rest) {
  Lines lines(source);
  lines.expect_version();
  Header header;
  while (true) {
    const std::string_view line = lines.next();
    if (line.starts_with(kEndMark)) {
      header.mac = parse_mac(lines, line.substr(kEndMark.size()));
      const ByteView all = lines.read();
      header.bytes.assign(all.begin(), all.end());
      const ByteView covered = all.first(all.size() - line.size() - 1 + kEndMark.size());
      header.authenticated.assign(covered.begin(), covered.end());
      break;
    }
    if (!line.starts_with(kStanzaMark)) lines.fail("expected a stanza (\"-> \") or \"---\"");
    Stanza stanza;
    stanza.arguments = parse_arguments(lines, line.substr(kStanzaMark.size()));
    stanza.body = parse_body(lines);
    header.stanzas.push_back(std::move(stanza));
  }
  if (header.stanzas.empty()) lines.fail("a header has at least one stanza");
  const ByteView unread = lines.unread();
  rest.assign(unread.begin(), unread.end());
  return header;
}

Header parse_header(ByteView bytes) {
  ViewSource source(bytes);
  Bytes rest;
  Header header = read_header(source, rest);
  if (!rest.empty()) throw Error(ErrorCode::kMalformed, "age header: bytes follow its last line");
  return header;
}

Bytes format_header(const FileKey& file_key, std::span<const Stanza> stanzas) {
  Bytes bytes;
  append(bytes, kVersionLine);
  for (const Stanza& stanza : stanzas) append_stanza(bytes, stanza);
  append(bytes, kEndMark);
  const auto mac = header_mac(file_key, bytes);
  append(bytes, ' ' + base64_encode(mac, Padding::kNone) + '\n');
  return bytes;
}

void verify_mac(const Header& header, const FileKey& file_key) {
  const auto mac = header_mac(file_key, header.authenticated);
  if (CRYPTO_memcmp(mac.data(), header.mac.data(), mac.size()) != 0)
    throw Error(ErrorCode::kIntegrity, "age header: its MAC isn't that of the file key");
}

FileKey unwrap(const Header& header, std::span<const X25519Identity> identities) {
  require_lone_scrypt(header);
  for (const X25519Identity& identity : identities) {
    for (const Stanza& stanza : header.stanzas) {
      if (auto file_key = identity.unwrap(stanza)) {
        verify_mac(header, *file_key);
        return std::move(*file_key);
      }
    }
  }
  throw Error(ErrorCode::kNoKeyFits, "age header: no stanza is for an identity at hand");
}

FileKey unwrap(const Header& header, const SecretBytes& passphrase, unsigned max_work_factor) {
  require_lone_scrypt(header);
  if (!is_scrypt(header.stanzas.front()))
    throw Error(ErrorCode::kNoKeyFits, "age header: not sealed with a passphrase");
  auto file_key = scrypt_unwrap(header.stanzas.front(), passphrase, max_work_factor);
  if (!file_key) throw Error(ErrorCode::kWrongPassphrase, "the passphrase doesn't fit");
  verify_mac(header, *file_key);
  return std::move(*file_key);
}

}  // namespace letterbox::crypto
