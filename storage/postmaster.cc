#include "storage/postmaster.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <system_error>

#include "base/error.h"

namespace letterbox::storage {

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

std::string why() {
  return std::generic_category().message(errno);
}

// Process ids are reused. A server's process is a program called postgres that stands in its data
// directory.
bool is_process_on(pid_t pid, const fs::path& data) {
  const fs::path proc = "/proc/" + std::to_string(pid);
  std::error_code ignored;
  const fs::path program = fs::read_symlink(proc / "exe", ignored);
  const fs::path place = fs::read_symlink(proc / "cwd", ignored);
  // An upgrade of the package leaves "postgres (deleted)" behind.
  return program.filename().string().starts_with("postgres") &&
         place == fs::weakly_canonical(data, ignored);
}

std::optional<pid_t> parse_pid(const std::string& text) {
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (error != std::errc() || end != text.data() + text.size() || pid <= 0) return std::nullopt;
  return pid;
}

// After fork in a program with threads only async-signal-safe calls are allowed; all it needs was
// made before.
[[noreturn]] void become(const char* program, char* const* arguments, char* const* environment,
                         int log, pid_t parent) {
  // 1. Its own session: a Ctrl-C at the terminal is for us alone, we stop the server ourselves.
  setsid();
  // 2. End with us. Should we have ended before this took hold, nobody would tell it.
  if (prctl(PR_SET_PDEATHSIG, SIGINT) != 0 || getppid() != parent) _exit(127);
  // 3. Nothing of ours: no blocked signal, no descriptor, no file mode.
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  umask(077);
  const int nothing = open("/dev/null", O_RDONLY);
  if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0) _exit(127);
  close_range(3, ~0U, 0);
  execve(program, arguments, environment);
  _exit(127);
}

}  // namespace

std::optional<PostmasterState> running_postmaster(const fs::path& data) {
  // Its lines: pid, data directory, start time, port, socket directory, listen address, shared
  // memory key, status (src/include/utils/pidfile.h).
  std::ifstream file(data / "postmaster.pid");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  if (lines.empty()) return std::nullopt;

  const std::optional<pid_t> pid = parse_pid(lines[0]);
  if (!pid || !is_process_on(*pid, data)) return std::nullopt;
  return PostmasterState{*pid, lines.size() >= 8 && lines[7].starts_with("ready")};
}

std::vector<pid_t> processes_on(const fs::path& data) {
  std::vector<pid_t> processes;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::optional<pid_t> pid = parse_pid(entry.path().filename().string());
    if (pid && is_process_on(*pid, data)) processes.push_back(*pid);
  }
  return processes;
}

pid_t spawn(const fs::path& program, const std::vector<std::string>& arguments,
            const fs::path& log) {
  const Descriptor output(open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (output.get() < 0) {
    throw Error(ErrorCode::kFile, "can't write " + log.string() + ": " + why());
  }

  std::string name = program.string();
  std::vector<std::string> words = arguments;
  std::vector<char*> argv{name.data()};
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::string path = "PATH=/usr/bin:/bin";
  std::string locale = "LC_ALL=C.UTF-8";
  char* const environment[] = {path.data(), locale.data(), nullptr};

  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) become(name.c_str(), argv.data(), environment, output.get(), parent);
  if (child < 0) {
    throw Error(ErrorCode::kUnavailable, "can't start " + name + ": " + why());
  }
  return child;
}

std::optional<int> wait_for_end(pid_t pid, std::chrono::milliseconds patience) {
  // By its number: glibc 2.36's <sys/pidfd.h> can't be used from C++.
  const Descriptor process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (process.get() >= 0) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
      pollfd end{process.get(), POLLIN, 0};
      const int seen = poll(&end, 1, static_cast<int>(std::max(left, 0ms).count()));
      if (seen > 0) break;
      if (seen == 0 || errno != EINTR) return std::nullopt;
    }
  }
  int status = 0;
  return waitpid(pid, &status, WNOHANG) == pid ? status : 0;
}

bool stop_postmaster(pid_t pid) {
  kill(pid, SIGINT);
  if (wait_for_end(pid, 60s)) return true;
  kill(pid, SIGQUIT);
  return wait_for_end(pid, 20s).has_value();
}

}  // namespace letterbox::storage
