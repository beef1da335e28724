#include "client/secret_screen.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/error.h"

namespace letterbox::client {
namespace {

// The last of them only stops the process, with the secret left on the screen.
constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP, SIGTSTP};
constexpr std::size_t kLongestLine = 1024;

constexpr std::string_view kEnter = "\033[?1049h\033[H\033[2J";
constexpr std::string_view kClear = "\033[H\033[2J";
// Cleared before it is left: some terminals show the second screen's last content again.
constexpr std::string_view kLeave = "\033[H\033[2J\033[?1049l";

extern "C" void interrupt_waiting(int /*signal*/) {}

}  // namespace

SecretScreen::SecretScreen() : terminal_(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {
  if (terminal_.get() < 0)
    throw Error(ErrorCode::kFile,
                "there is no terminal; a recovery key is shown and asked for on one only");
  // They arrive in ask() alone, while it waits: one that came just before would otherwise be lost.
  sigset_t blocked;
  ::sigemptyset(&blocked);
  for (const int signal : kSignals) ::sigaddset(&blocked, signal);
  ::sigprocmask(SIG_BLOCK, &blocked, &mask_before_);
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    struct sigaction action {};
    action.sa_handler = kSignals[i] == SIGTSTP ? SIG_IGN : interrupt_waiting;
    ::sigaction(kSignals[i], &action, &actions_before_[i]);
  }
  show(kEnter);
}

SecretScreen::~SecretScreen() {
  try {
    show(kLeave);
  } catch (const Error&) {  // the terminal is gone, and what it showed with it
  }
  for (std::size_t i = 0; i < kSignals.size(); ++i)
    ::sigaction(kSignals[i], &actions_before_[i], nullptr);
  ::sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
}

unsigned SecretScreen::lines() const {
  winsize size{};
  return ::ioctl(terminal_.get(), TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}

void SecretScreen::clear() {
  show(kClear);
}

void SecretScreen::show(std::string_view text) {
  write_all(terminal_.get(), as_bytes(text), "the terminal");
}

SecretBytes SecretScreen::ask(std::string_view prompt) {
  show(prompt);
  pollfd terminal{terminal_.get(), POLLIN, 0};
  if (::ppoll(&terminal, 1, nullptr, &mask_before_) < 0)
    throw Error(ErrorCode::kUsage, "interrupted; nothing was changed");
  SecretBytes line(kLongestLine + 1);
  const ssize_t size = ::read(terminal_.get(), line.reveal().data(), line.size());
  if (size < 0) throw Error(ErrorCode::kFile, "the terminal can't be read");
  if (size == 0) throw Error(ErrorCode::kUsage, "input has ended; nothing was changed");
  line.truncate(static_cast<std::size_t>(size));
  if (line.reveal().back() != '\n') throw Error(ErrorCode::kTooLarge, "the line is too long");
  line.truncate(line.size() - 1);
  return line;
}

}  // namespace letterbox::client
