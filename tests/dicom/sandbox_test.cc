#include "dicom/sandbox/sandbox.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>

#include "base/error.h"
#include "tests/sanitized.h"

namespace letterbox::dicom {
namespace {

namespace fs = std::filesystem;

using letterbox::testing::kSanitized;

Bytes bytes_of(std::string_view text) {
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

// Keeps a loop that only ends from outside from being taken out.
volatile std::uint64_t counted = 0;  // NOLINT

[[noreturn]] void compute_for_ever() {
  while (true) counted = counted + 1;
}

void write_to_nowhere() {
  static volatile std::uintptr_t nowhere = 16;
  *reinterpret_cast<volatile int*>(nowhere) = 1;
}

void touch_memory_for_ever() {
  constexpr std::size_t kPiece = std::size_t{16} << 20;
  std::vector<Bytes> hoard;
  while (true) hoard.emplace_back(kPiece, Byte{1});
}

// What a child does when it is told to. "ok" means: it was let.
Bytes obey(ByteView request) {
  static std::size_t asked = 0;
  ++asked;
  const std::string order(as_text(request));
  const auto ok_if = [](bool done) { return bytes_of(done ? "ok" : "no"); };
  if (order == "count") return bytes_of(std::to_string(asked));
  if (order == "refuse") throw Error(ErrorCode::kNotWhatItClaims, "so it was told");
  if (order == "crash") write_to_nowhere();
  if (order == "throw") throw std::runtime_error("what nobody catches");
  if (order == "compute") compute_for_ever();
  if (order == "hoard") touch_memory_for_ever();
  if (order == "wait") {
    // By a call that it may make.
    Byte byte = 0;
    return ok_if(read(3, &byte, 1) == 1);
  }
  if (order == "answer too long") return Bytes(2 << 20, 'x');
  if (order == "open") return ok_if(open("/etc/passwd", O_RDONLY) >= 0);
  if (order == "create") return ok_if(open("/tmp/letterbox-sandbox", O_CREAT | O_RDWR, 0600) >= 0);
  if (order == "unlink") return ok_if(unlink("/nonexistent/file") == 0 || errno == ENOENT);
  if (order == "socket") return ok_if(socket(AF_INET, SOCK_STREAM, 0) >= 0);
  if (order == "pipe") {
    int ends[2];
    return ok_if(pipe(ends) == 0);
  }
  if (order == "fork") return ok_if(fork() >= 0);
  if (order == "thread") {
    std::thread([] {}).join();
    return bytes_of("ok");
  }
  if (order == "exec") {
    execl("/bin/true", "true", nullptr);
    return bytes_of("no");
  }
  if (order == "kill") return ok_if(kill(getppid(), 0) == 0);
  if (order == "signal itself") return ok_if(raise(SIGURG) == 0);
  if (order == "ptrace") return ok_if(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0);
  if (order == "raise limit") {
    const rlimit more{1000, 1000};
    return ok_if(setrlimit(RLIMIT_CPU, &more) == 0);
  }
  if (order == "write elsewhere") return ok_if(write(2, "x", 1) == 1);
  if (order == "read elsewhere") {
    Byte byte = 0;
    return ok_if(read(0, &byte, 1) >= 0);
  }
  if (order == "executable memory") {
    return ok_if(mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
  }
  return {request.begin(), request.end()};
}

const SandboxedWork kObey{.prepare = [] {}, .answer = obey};

SandboxLimits limits(std::size_t children = 1) {
  SandboxLimits limits;
  limits.children = children;
  limits.child.cpu = std::chrono::seconds(2);
  return limits;
}

std::string ask(Sandbox& sandbox, std::string_view order) {
  const Bytes answer = sandbox.ask(as_bytes(order)).answer();
  return std::string(as_text(answer));
}

ErrorCode refusal(Sandbox& sandbox, std::string_view order) {
  try {
    const std::string answer = ask(sandbox, order);
    ADD_FAILURE() << order << ": " << answer;
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kInternal;
}

std::vector<pid_t> children_of(pid_t process) {
  std::vector<pid_t> all;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream status(entry.path() / "status");
    for (std::string line; std::getline(status, line);) {
      if (line == "PPid:\t" + std::to_string(process)) all.push_back(std::stoi(name));
    }
  }
  return all;
}

// The zygotes of this process, and their children.
std::vector<pid_t> sandboxed(pid_t maker = getpid()) {
  std::vector<pid_t> all = children_of(maker);
  for (const pid_t zygote : std::vector(all)) {
    for (const pid_t child : children_of(zygote)) all.push_back(child);
  }
  return all;
}

// glibc 2.36 declares pidfd_open() for C alone.
Descriptor watch_for_end(pid_t process) {
  return Descriptor(static_cast<int>(syscall(SYS_pidfd_open, process, 0)));
}

// Bounded, so that a test that fails ends.
bool ends(const Descriptor& process) {
  pollfd waiting{process.get(), POLLIN, 0};
  return poll(&waiting, 1, 30'000) == 1;
}

TEST(Sandbox, Answers) {
  Sandbox sandbox(kObey, limits());
  EXPECT_EQ(ask(sandbox, "some bytes"), "some bytes");
  EXPECT_EQ(ask(sandbox, "other bytes"), "other bytes");
}

TEST(Sandbox, AnswersWhatIsLongerThanASocketHolds) {
  SandboxLimits wide = limits();
  wide.max_answer = std::size_t{1} << 20;
  Sandbox sandbox(kObey, wide);
  const std::string order(std::size_t{1} << 20, 'x');
  EXPECT_EQ(ask(sandbox, order), order);
}

TEST(Sandbox, AnswersManyThreadsEachItsOwn) {
  Sandbox sandbox(kObey, limits(3));
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 200; ++i) {
        const std::string order = std::to_string(thread) + " " + std::to_string(i);
        if (ask(sandbox, order) == order) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 8 * 200);
}

TEST(Sandbox, AnAnswerThatNobodyFetchesIsNobodyElses) {
  Sandbox sandbox(kObey, limits(1));
  {
    Sandbox::Question question = sandbox.ask(as_bytes("wait"));
    const Sandbox::Question moved = std::move(question);
  }
  EXPECT_EQ(ask(sandbox, "other bytes"), "other bytes");
}

TEST(Sandbox, PreparesOnceForAllChildren) {
  static int prepared = 0;
  const SandboxedWork work{.prepare = [] { ++prepared; },
                           .answer = [](ByteView) { return bytes_of(std::to_string(prepared)); }};
  Sandbox sandbox(work, limits(2));
  EXPECT_EQ(ask(sandbox, "how often?"), "1");
  EXPECT_EQ(prepared, 0) << "not in this process";
}

TEST(Sandbox, ARefusalIsOneInstanceAndTheChildGoesOn) {
  Sandbox sandbox(kObey, limits());
  EXPECT_EQ(refusal(sandbox, "refuse"), ErrorCode::kNotWhatItClaims);
  EXPECT_EQ(ask(sandbox, "count"), "2");
}

class Misbehaviour : public ::testing::TestWithParam<const char*> {};

// Each ends the child that did it, and the next request finds a fresh one.
TEST_P(Misbehaviour, CostsOneInstanceAndOneChild) {
  if (kSanitized && std::string_view(GetParam()) == "hoard") {
    GTEST_SKIP() << "a sanitizer needs address space without a limit";
  }
  Sandbox sandbox(kObey, limits());
  EXPECT_EQ(ask(sandbox, "count"), "1");
  EXPECT_EQ(refusal(sandbox, GetParam()), ErrorCode::kNotWhatItClaims);
  EXPECT_EQ(ask(sandbox, "count"), "1");
}

INSTANTIATE_TEST_SUITE_P(Is, Misbehaviour,
                         ::testing::Values("crash", "throw", "compute", "hoard", "answer too long",
                                           "unlink", "socket", "pipe", "fork", "thread", "exec",
                                           "kill", "signal itself", "ptrace", "raise limit",
                                           "write elsewhere", "read elsewhere",
                                           "executable memory"));

TEST(Sandbox, AChildThatWaitsMeetsTheDeadline) {
  SandboxLimits hasty = limits();
  hasty.deadline = std::chrono::milliseconds(500);
  Sandbox sandbox(kObey, hasty);
  EXPECT_EQ(refusal(sandbox, "wait"), ErrorCode::kNotWhatItClaims);
  EXPECT_EQ(ask(sandbox, "count"), "1");
}

TEST(Sandbox, FilesDoNotOpen) {
  Sandbox sandbox(kObey, limits());
  EXPECT_EQ(ask(sandbox, "open"), "no");
  EXPECT_EQ(ask(sandbox, "create"), "no");
  EXPECT_EQ(ask(sandbox, "count"), "3") << "that is no reason to end";
}

TEST(Sandbox, WhereNoChildIsFreeItSaysSo) {
  SandboxLimits hasty = limits(1);
  hasty.patience = std::chrono::milliseconds(0);
  Sandbox sandbox(kObey, hasty);
  // Whoever has the child keeps it for two seconds of computing.
  std::barrier together(2);
  ErrorCode others = ErrorCode::kInternal;
  std::thread other([&] {
    together.arrive_and_wait();
    others = refusal(sandbox, "compute");
  });
  together.arrive_and_wait();
  const ErrorCode ours = refusal(sandbox, "compute");
  other.join();
  EXPECT_EQ((std::set{ours, others}),
            (std::set{ErrorCode::kUnavailable, ErrorCode::kNotWhatItClaims}));
}

TEST(Sandbox, AChildThatEndedWhileIdleIsNobodysFault) {
  Sandbox sandbox(kObey, limits());
  const std::vector<pid_t> zygote = children_of(getpid());
  ASSERT_EQ(zygote.size(), 1U);
  const std::vector<pid_t> child = children_of(zygote[0]);
  ASSERT_EQ(child.size(), 1U);
  const Descriptor watch = watch_for_end(child[0]);
  kill(child[0], SIGKILL);
  ASSERT_TRUE(ends(watch));
  EXPECT_EQ(ask(sandbox, "count"), "1");
}

TEST(Sandbox, AChildIsReplacedAfterItsNumberOfRequests) {
  SandboxLimits few = limits();
  few.requests_per_child = 3;
  Sandbox sandbox(kObey, few);
  std::string counts;
  for (int i = 0; i < 7; ++i) counts += ask(sandbox, "count");
  EXPECT_EQ(counts, "1231231");
}

TEST(Sandbox, HoldsNothingOfWhatItsMakerHadOpen) {
  const Descriptor listening(socket(AF_INET, SOCK_STREAM, 0));
  const Descriptor file(open("/etc/passwd", O_RDONLY));
  ASSERT_TRUE(listening && file);
  Sandbox sandbox(kObey, limits(2));
  const Sandbox second(kObey, limits(1));  // not even of the first one's
  ASSERT_EQ(sandboxed().size(), 2U + 2U + 1U);
  for (const pid_t process : sandboxed()) {
    std::set<std::string> open_files;
    for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(process) + "/fd")) {
      const std::string target = fs::read_symlink(entry.path());
      open_files.insert(entry.path().filename().string() + ' ' +
                        target.substr(0, target.find('[')));
    }
    EXPECT_EQ(open_files,
              (std::set<std::string>{"0 /dev/null", "1 /dev/null", "2 /dev/null", "3 socket:"}));
  }
}

TEST(Sandbox, EndsWithItsObject) {
  std::vector<Descriptor> watches;
  {
    const Sandbox sandbox(kObey, limits(2));
    for (const pid_t process : sandboxed()) watches.push_back(watch_for_end(process));
    ASSERT_EQ(watches.size(), 3U);
  }
  for (const Descriptor& watch : watches) EXPECT_TRUE(ends(watch));
}

// Whoever has a gateway killed isn't left with its children, busy ones among them.
TEST(Sandbox, EndsWithAMakerThatIsKilled) {
  auto [ours, theirs] = make_wire();
  const pid_t maker = fork();
  if (maker == 0) {
    Sandbox sandbox(kObey, limits(2));
    std::thread busy([&] { sandbox.ask(as_bytes("wait")).answer(); });
    write_message(theirs.get(), {});
    pause();
  }
  ASSERT_TRUE(read_message(ours.get(), 0));
  std::vector<Descriptor> watches;
  for (const pid_t process : sandboxed(maker)) watches.push_back(watch_for_end(process));
  EXPECT_EQ(watches.size(), 3U);
  kill(maker, SIGKILL);
  waitpid(maker, nullptr, 0);
  for (const Descriptor& watch : watches) EXPECT_TRUE(ends(watch));
}

TEST(Sandbox, SignalsToTheWholeGroupLeaveItToItsMaker) {
  Sandbox sandbox(kObey, limits());
  for (const pid_t process : sandboxed()) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) kill(process, signal);
  }
  EXPECT_EQ(ask(sandbox, "count"), "1");
}

TEST(Sandbox, WithoutItsZygoteItIsUnavailableAndSaysSo) {
  SandboxLimits once = limits();
  once.requests_per_child = 1;
  Sandbox sandbox(kObey, once);
  EXPECT_EQ(ask(sandbox, "count"), "1");
  EXPECT_TRUE(sandbox.running());
  const pid_t zygote = children_of(getpid()).at(0);
  const Descriptor watch = watch_for_end(zygote);
  kill(zygote, SIGKILL);
  ASSERT_TRUE(ends(watch));
  EXPECT_EQ(refusal(sandbox, "count"), ErrorCode::kUnavailable);
  EXPECT_FALSE(sandbox.running());
}

}  // namespace
}  // namespace letterbox::dicom
