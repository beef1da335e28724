#include "client/qr_code.h"

#include <algorithm>
#include <string>

#include "tests/client/fixtures.h"
#include "tests/client/subprocess.h"

namespace letterbox::client {
namespace {

/// What another implementation reads on a terminal that shows `code`.
std::string read_back(const std::string& code) {
  const Outcome read = run({LETTERBOX_NODE, LETTERBOX_QR_READER}, as_bytes(code));
  EXPECT_EQ(read.exit, 0) << read.err;
  return std::string(as_text(read.out));
}

std::size_t lines_of(const std::string& code) {
  return static_cast<std::size_t>(std::ranges::count(code, '\n'));
}

TEST(QrCode, IsReadByAnother) {
  for (const std::string& text :
       {std::string("A"), std::string("ada@clinic.example"), std::string(64, 'f'),
        "LETTERBOX-RECOVERY-1" + std::string(58, 'Q'),
        Device("ada@clinic.example").key.verify_key().fingerprint(), std::string("zwölf Bögen")})
    EXPECT_EQ(read_back(qr_code(text)), text);
}

TEST(QrCode, OfALongTextIsReadByAnother) {
  std::string text;
  for (int i = 0; text.size() < 2'000; ++i) text += std::to_string(i * i) + " x ";
  EXPECT_EQ(read_back(qr_code(text)), text);
}

TEST(QrCode, OfMoreThanACodeHoldsIsRefused) {
  EXPECT_NO_THROW(qr_code(std::string(2'953, 'a')));
  EXPECT_EQ(thrown_by([] { qr_code(std::string(2'954, 'a')); }), ErrorCode::kTooLarge);
}

TEST(QrCode, OfAFingerprintFitsIntoASmallTerminal) {
  std::string fingerprint(64, 'F');
  EXPECT_LE(lines_of(qr_code(fingerprint)), 24U);
}

}  // namespace
}  // namespace letterbox::client
