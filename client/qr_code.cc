#include "client/qr_code.h"

#include <qrencode.h>

#include <array>
#include <cerrno>
#include <memory>

#include "base/error.h"
#include "base/secret.h"

namespace letterbox::client {
namespace {

constexpr int kQuietZone = 4;  // ISO/IEC 18004 section 6.3.8

// Black and white are said, not left to the terminal: on a dark one the code would be inverted,
// which many readers don't see.
constexpr std::string_view kLineStart = "\033[30;47m";
constexpr std::string_view kLineEnd = "\033[0m\n";
// By what is dark: nothing, the upper module, the lower, both.
constexpr std::array<std::string_view, 4> kGlyphs = {" ", "▀", "▄", "█"};
constexpr std::size_t kLongestGlyph = 3;

struct WipeAndFree {
  void operator()(QRcode* code) const {
    const auto width = static_cast<std::size_t>(code->width);
    wipe({code->data, width * width});
    QRcode_free(code);
  }
};
using Code = std::unique_ptr<QRcode, WipeAndFree>;

Code encode(std::string_view text) {
  // The library wants a text that ends in zero.
  SecretBytes copy(text.size() + 1);
  text.copy(reinterpret_cast<char*>(copy.reveal().data()), text.size());
  Code code(QRcode_encodeString(reinterpret_cast<const char*>(copy.reveal().data()), 0,
                                QR_ECLEVEL_L, QR_MODE_8, /*casesensitive=*/1));
  if (code) return code;
  if (errno == ERANGE) throw Error(ErrorCode::kTooLarge, "no QR code holds so long a text");
  throw Error(ErrorCode::kInternal, "the QR code can't be made");
}

}  // namespace

std::string qr_code(std::string_view text) {
  const Code code = encode(text);
  const int width = code->width;
  const auto is_dark = [&](int row, int column) {
    if (row < 0 || column < 0 || row >= width || column >= width) return false;
    return (code->data[row * width + column] & 1) != 0;
  };
  const int end = width + kQuietZone;
  const auto columns = static_cast<std::size_t>(end + kQuietZone);
  std::string lines;
  lines.reserve((columns + 1) / 2 *
                (kLineStart.size() + columns * kLongestGlyph + kLineEnd.size()));
  for (int row = -kQuietZone; row < end; row += 2) {
    lines += kLineStart;
    for (int column = -kQuietZone; column < end; ++column)
      lines += kGlyphs[(is_dark(row, column) ? 1U : 0U) + (is_dark(row + 1, column) ? 2U : 0U)];
    lines += kLineEnd;
  }
  return lines;
}

}  // namespace letterbox::client
