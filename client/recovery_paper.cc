#include "client/recovery_paper.h"

#include <algorithm>

namespace letterbox::client {
namespace {

constexpr std::size_t kGroup = 4;
constexpr std::size_t kLine = 5 * kGroup;
// The part of the text that is the same for every key.
constexpr std::string_view kHeading = "LETTERBOX-RECOVERY-1";
static_assert(kHeading.starts_with(crypto::RecoveryKey::kPrefix));

Byte meant(char letter) {
  if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  switch (letter) {
    case 'B':
      return '8';
    case 'I':
    case '1':
      return 'L';
    case 'O':
      return '0';
    default:
      return static_cast<Byte>(letter);
  }
}

// Without what stands between groups, and each as it is meant: those of the heading, too, so that
// it compares.
SecretBytes letters_of(std::string_view typed) {
  SecretBytes letters(typed.size());
  std::size_t size = 0;
  for (const char letter : typed) {
    if (std::string_view(" \t\r\n-").find(letter) == std::string_view::npos)
      letters.reveal()[size++] = meant(letter);
  }
  letters.truncate(size);
  return letters;
}

}  // namespace

SecretBytes format_recovery_paper(const crypto::RecoveryKey& key) {
  const SecretBytes text = key.text();
  SecretBytes paper(2 * text.size());
  auto end = paper.reveal().begin();
  end = std::ranges::copy(text.reveal().first(kHeading.size()), end).out;
  const auto letters = text.reveal().subspan(kHeading.size());
  for (std::size_t i = 0; i < letters.size(); ++i) {
    if (i % kLine == 0)
      *end++ = '\n';
    else if (i % kGroup == 0)
      *end++ = ' ';
    *end++ = letters[i];
  }
  *end++ = '\n';
  paper.truncate(static_cast<std::size_t>(end - paper.reveal().begin()));
  return paper;
}

std::optional<crypto::RecoveryKey> read_recovery_paper(std::string_view typed) {
  SecretBytes letters = letters_of(typed);
  const SecretBytes heading = letters_of(kHeading);
  auto key = letters.reveal();
  if (std::ranges::equal(key.first(std::min(key.size(), heading.size())), heading.reveal()))
    key = key.subspan(heading.size());

  SecretBytes text(kHeading.size() + key.size());
  std::ranges::copy(key, std::ranges::copy(kHeading, text.reveal().begin()).out);
  return crypto::RecoveryKey::parse(text.reveal_text());
}

}  // namespace letterbox::client
