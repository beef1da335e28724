// Where a secret is shown: the terminal's second screen, which leaves nothing in the scrollback.
#pragma once

#include <array>
#include <csignal>
#include <string_view>

#include "base/secret.h"
#include "client/files.h"

namespace letterbox::client {

/// For as long as this lives the terminal shows its second screen, on /dev/tty whatever standard
/// input and output are. It is left however this ends; so SIGINT, SIGTERM and SIGHUP make ask()
/// throw instead of ending the process, and SIGTSTP does nothing. One at a time.
///
/// What it can't do: a terminal may keep what it shows (a recording, `screen` and `tmux`, which
/// know second screens of their own, a remote desktop), and somebody may look on.
class SecretScreen {
 public:
  /// Throws Error kFile if there is no terminal.
  SecretScreen();
  ~SecretScreen();
  SecretScreen(const SecretScreen&) = delete;
  SecretScreen& operator=(const SecretScreen&) = delete;

  /// How many lines it has.
  unsigned lines() const;
  void clear();
  void show(std::string_view text);
  /// One line, as it is typed, with echo and without its line end. Throws Error kUsage if it is
  /// interrupted or input ends, kTooLarge above 1024 bytes.
  SecretBytes ask(std::string_view prompt);

 private:
  FileDescriptor terminal_;
  FileDescriptor interrupted_;  // the pipe's end to read: signals came
  FileDescriptor interrupt_;
  std::array<struct sigaction, 4> before_{};
};

}  // namespace letterbox::client
