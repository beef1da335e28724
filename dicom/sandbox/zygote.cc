#include "dicom/sandbox/zygote.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "base/error.h"
#include "base/secret.h"

namespace letterbox::dicom {

namespace {

// The one descriptor beside /dev/null at 0, 1 and 2, where a library may believe its streams.
constexpr int kWire = 3;

// Whatever this process's maker had open isn't ours: listening sockets would stay taken, locks
// held, and pipes without an end.
bool keep_only(const Descriptor& wire) {
  if (dup2(wire.get(), kWire) != kWire) return false;
  const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nowhere < 0) return false;
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (dup2(nowhere, stream) != stream) return false;
  }
  closefrom(kWire + 1);
  return true;
}

// To end is its maker's to say, by closing the wire: Ctrl-C and a supervisor's SIGTERM reach the
// whole group, and requests at hand are to end first.
void block_signals() {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
}

Bytes answer_to(ByteView request, const SandboxedWork& work) {
  try {
    return work.answer(request);
  } catch (const Error&) {
    return {};  // refused
  }
}

[[noreturn]] void be_child(const Descriptor& wire, pid_t zygote, const SandboxedWork& work,
                           const SandboxLimits& limits) {
  // Should the zygote have ended before this call, nobody tells us.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != zygote || !keep_only(wire)) {
    _exit(1);
  }
  prctl(PR_SET_NAME, "inspector", 0, 0, 0);
  lock_down(kWire, limits.child);
  if (!write_message(kWire, {})) _exit(1);  // ready
  while (std::optional<Bytes> request = read_message(kWire, limits.max_request)) {
    Bytes answer = answer_to(*request, work);
    wipe(*request);
    if (!write_message(kWire, answer)) break;
    wipe(answer);
  }
  _exit(0);
}

void end(pid_t child) {
  if (child <= 0) return;
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

// The other end of its wire; none if there was no room for it.
Descriptor make_child(pid_t& child, const SandboxedWork& work, const SandboxLimits& limits) try {
  auto [theirs, ours] = make_wire();
  const pid_t zygote = getpid();
  child = fork();
  if (child == 0) be_child(ours, zygote, work, limits);
  if (child < 0) return {};
  return std::move(theirs);
} catch (const Error&) {
  return {};
}

}  // namespace

void be_zygote(Descriptor control, const SandboxedWork& work,
               const SandboxLimits& limits) noexcept {
  block_signals();
  prctl(PR_SET_NAME, "inspectors", 0, 0, 0);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  if (!keep_only(control)) _exit(1);
  work.prepare();

  // Not reaped before they are replaced, so that a number always means the child it was given for.
  std::array<pid_t, 256> children{};
  std::uint8_t number = 0;
  Descriptor nothing;
  while (receive_descriptor(kWire, number, nothing)) {
    end(std::exchange(children.at(number), 0));
    const Descriptor wire = make_child(children.at(number), work, limits);
    if (!send_descriptor(kWire, number, wire)) break;
  }
  for (const pid_t child : children) end(child);
  _exit(0);
}

}  // namespace letterbox::dicom
