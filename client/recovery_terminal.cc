#include "client/recovery_terminal.h"

#include <algorithm>
#include <string>

#include "client/qr_code.h"
#include "client/recovery_paper.h"
#include "client/secret_screen.h"

namespace letterbox::client {
namespace {

// Lines that are shown beside a QR code.
constexpr std::size_t kOtherLines = 11;

SecretBytes wiped_copy(std::string text) {
  SecretBytes copy{as_bytes(text)};
  wipe({reinterpret_cast<Byte*>(text.data()), text.size()});
  return copy;
}

void show(SecretScreen& screen, const crypto::RecoveryKey& key) {
  screen.clear();
  const SecretBytes code = wiped_copy(qr_code(key.text().reveal_text()));
  const auto lines = std::ranges::count(code.reveal(), static_cast<Byte>('\n'));
  if (static_cast<std::size_t>(lines) + kOtherLines <= screen.lines())
    screen.show(code.reveal_text());
  screen.show("\nYour recovery key. Write it down: it is never shown again.\n\n");
  screen.show(format_recovery_paper(key).reveal_text());
  screen.show(
      "\nWhoever has it opens what is sent to you, as on any device of yours. Keep it where the "
      "devices aren't.\n");
}

// Three lines, as they stand on the paper, or as many as it takes.
SecretBytes ask_for_lines(SecretScreen& screen) {
  const SecretBytes first = screen.ask("First line after LETTERBOX-RECOVERY-1: ");
  const SecretBytes second = screen.ask("Second line: ");
  const SecretBytes third = screen.ask("Third line: ");
  SecretBytes all(first.size() + second.size() + third.size());
  auto end = all.reveal().begin();
  for (const SecretBytes* line : {&first, &second, &third})
    end = std::ranges::copy(line->reveal(), end).out;
  return all;
}

}  // namespace

void put_on_paper(const crypto::RecoveryKey& key) {
  SecretScreen screen;
  const auto recipient = key.identity().recipient();
  const char* before = "";
  for (;;) {
    show(screen, key);
    screen.ask(std::string(before) + "Press Enter when it is written down: ");
    screen.clear();
    screen.show("Now type it from the paper, to see that it is right.\n\n");
    const auto typed = read_recovery_paper(ask_for_lines(screen).reveal_text());
    if (typed && typed->identity().recipient() == recipient) return;
    before = "What was typed isn't this key. Compare the paper. ";
  }
}

crypto::RecoveryKey ask_recovery_key() {
  SecretScreen screen;
  screen.show(
      "Type your recovery key from the paper. Small letters will do, and so do no spaces.\n\n");
  for (;;) {
    if (auto key = read_recovery_paper(ask_for_lines(screen).reveal_text())) return std::move(*key);
    screen.show("\nThere is a mistake in it. Once more, or Ctrl-C.\n\n");
  }
}

}  // namespace letterbox::client
