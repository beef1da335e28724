#include "client/secret_screen.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

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

// Where the handler says that there was a signal. A pipe rather than an interrupted read: the
// signal may meet another thread (the resolver's), or come just before the read.
volatile std::sig_atomic_t interruptions = -1;

extern "C" void note_interruption(int /*signal*/) {
  const int before = errno;
  [[maybe_unused]] const ssize_t written = ::write(interruptions, "", 1);
  errno = before;
}

}  // namespace

SecretScreen::SecretScreen() : terminal_(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {
  if (terminal_.get() < 0)
    throw Error(ErrorCode::kFile,
                "there is no terminal; a recovery key is shown and asked for on one only");
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0)
    throw Error(ErrorCode::kInternal, "no pipe can be made");
  interrupted_ = FileDescriptor(ends[0]);
  interrupt_ = FileDescriptor(ends[1]);
  interruptions = interrupt_.get();
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    struct sigaction action {};
    action.sa_handler = kSignals[i] == SIGTSTP ? SIG_IGN : note_interruption;
    ::sigaction(kSignals[i], &action, &before_[i]);
  }
  show(kEnter);
}

SecretScreen::~SecretScreen() {
  try {
    show(kLeave);
  } catch (const Error&) {  // the terminal is gone, and what it showed with it
  }
  for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &before_[i], nullptr);
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
  std::array<pollfd, 2> ready{{{interrupted_.get(), POLLIN, 0}, {terminal_.get(), POLLIN, 0}}};
  while (::poll(ready.data(), ready.size(), -1) < 0) {
    if (errno != EINTR) throw Error(ErrorCode::kInternal, "the terminal can't be waited for");
  }
  if (ready[0].revents != 0) throw Error(ErrorCode::kUsage, "interrupted; nothing was changed");
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
