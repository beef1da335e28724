#include "dicom/sandbox/lock_down.h"

#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <memory>

#include "base/error.h"

namespace letterbox::dicom {

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

void require(bool done) {
  if (!done) throw Error(ErrorCode::kConfiguration, "a child process can't be locked down here");
}

void limit(__rlimit_resource resource, rlim_t value) {
  const rlimit both{value, value};
  require(setrlimit(resource, &both) == 0);
}

std::size_t address_space() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  require(pages > 0);
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// Anonymous memory, locks of a single thread, the clock; what malloc and the C++ library call.
constexpr std::array kAllowed = {
    SCMP_SYS(brk),        SCMP_SYS(munmap),        SCMP_SYS(mremap),       SCMP_SYS(madvise),
    SCMP_SYS(futex),      SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time),
    SCMP_SYS(exit_group), SCMP_SYS(exit),          SCMP_SYS(rt_sigreturn), SCMP_SYS(sched_yield),
};

// iconv, locales and time zones look for files. They do without, so that this is no reason to end.
constexpr std::array kOpening = {SCMP_SYS(open), SCMP_SYS(openat)};

struct FilterDeleter {
  void operator()(void* filter) const { seccomp_release(filter); }
};

void allow_computing_only(int wire) {
  const std::unique_ptr<void, FilterDeleter> filter(seccomp_init(SCMP_ACT_KILL_PROCESS));
  require(filter != nullptr);
  const auto descriptor = static_cast<scmp_datum_t>(wire);
  const auto allow = [&](int call, auto... conditions) {
    require(seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, sizeof...(conditions),
                             conditions...) == 0);
  };
  for (const int call : kAllowed) allow(call);
  if (kSanitized) allow(SCMP_SYS(sigaltstack));  // at each throw
  for (const int call : {SCMP_SYS(read), SCMP_SYS(write)}) {
    allow(call, SCMP_A0(SCMP_CMP_EQ, descriptor, 0));  // clang wants every member
  }
  // Nothing that was written becomes a program.
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) {
    allow(call, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  }
  for (const int call : kOpening) {
    require(seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EACCES), call, 0) == 0);
  }
  require(seccomp_load(filter.get()) == 0);  // sets no_new_privs too
}

}  // namespace

void lock_down(int wire, const ChildLimits& limits) {
  require(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
  if (!kSanitized) limit(RLIMIT_AS, address_space() + limits.memory);
  limit(RLIMIT_CPU, static_cast<rlim_t>(limits.cpu.count()));
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_NPROC, 0);
  limit(RLIMIT_NOFILE, 0);
  allow_computing_only(wire);
}

}  // namespace letterbox::dicom
