#include "client/passphrase.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "client/files.h"

namespace letterbox::client {
namespace {

constexpr std::size_t kMaxPassphrase = 1024;
constexpr std::size_t kMaxPassphraseFile = 64 * 1024;

// Echo off for as long as it lives.
class SilentTerminal {
 public:
  explicit SilentTerminal(int fd) : fd_(fd) {
    if (::tcgetattr(fd_, &before_) != 0)
      throw Error(ErrorCode::kFile, "the terminal can't be switched to hidden input");
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    silent.c_lflag |= ECHONL | ICANON | ISIG;
    if (::tcsetattr(fd_, TCSAFLUSH, &silent) != 0)
      throw Error(ErrorCode::kFile, "the terminal can't be switched to hidden input");
  }
  ~SilentTerminal() { ::tcsetattr(fd_, TCSAFLUSH, &before_); }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;

 private:
  int fd_;
  termios before_{};
};

SecretBytes first_line(SecretBytes text) {
  const auto bytes = text.reveal();
  const auto end = std::find_if(bytes.begin(), bytes.end(),
                                [](Byte byte) { return byte == '\n' || byte == '\r'; });
  text.truncate(static_cast<std::size_t>(end - bytes.begin()));
  if (text.empty()) throw Error(ErrorCode::kUsage, "the passphrase is empty");
  if (text.size() > kMaxPassphrase)
    throw Error(ErrorCode::kUsage, "the passphrase is longer than 1024 bytes");
  return text;
}

SecretBytes ask(const std::string& prompt) {
  const FileDescriptor terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (terminal.get() < 0)
    throw Error(ErrorCode::kFile,
                "there is no terminal to ask for the passphrase; say --passphrase-file PATH");
  const SilentTerminal silent(terminal.get());
  write_all(terminal.get(), as_bytes(prompt), "the terminal");
  SecretBytes line(kMaxPassphrase + 2);
  const ssize_t size = ::read(terminal.get(), line.reveal().data(), line.size());
  if (size < 0) throw Error(ErrorCode::kFile, "the terminal can't be read");
  line.truncate(static_cast<std::size_t>(size));
  return first_line(std::move(line));
}

}  // namespace

SecretBytes read_passphrase(const std::optional<std::filesystem::path>& file,
                            const std::string& prompt) {
  return file ? first_line(read_secret_file(*file, kMaxPassphraseFile)) : ask(prompt);
}

SecretBytes choose_passphrase(const std::optional<std::filesystem::path>& file) {
  if (file) return first_line(read_secret_file(*file, kMaxPassphraseFile));
  SecretBytes passphrase = ask("Passphrase for the new key file: ");
  const SecretBytes again = ask("The same again: ");
  if (!std::ranges::equal(passphrase.reveal(), again.reveal()))
    throw Error(ErrorCode::kUsage, "the two passphrases differ; nothing was written");
  return passphrase;
}

}  // namespace letterbox::client
