#include "tests/storage/child.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

#include "storage/private_cluster.h"
#include "tests/storage/database.h"
#include "tests/storage/sample.h"

namespace letterbox::storage::testing {

Child::Child(const std::vector<std::string>& arguments) {
  int pipe_ends[2];
  if (pipe(pipe_ends) != 0) throw std::runtime_error("no pipe");
  std::vector<std::string> words = arguments;
  std::string name = "storage_test";
  std::vector<char*> argv{name.data()};
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(pipe_ends[1], STDOUT_FILENO);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    // Itself, even where its path can't be walked by this user.
    execv("/proc/self/exe", argv.data());
    _exit(127);
  }
  close(pipe_ends[1]);
  char said = 0;
  const bool ready = read(pipe_ends[0], &said, 1) == 1;
  close(pipe_ends[0]);
  if (!ready) {
    kill_at_once();
    throw std::runtime_error("the child ended before it was ready");
  }
}

Child::~Child() {
  kill_at_once();
}

void Child::kill_at_once() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

namespace {

[[noreturn]] void wait_for_the_end() {
  if (write(STDOUT_FILENO, "r", 1) != 1) _exit(1);
  for (;;) pause();
}

}  // namespace

int child_main(const std::vector<std::string>& arguments) {
  if (arguments.at(0) == "--stage") {
    PostgresOptions options = options_for(arguments.at(1));
    options.instance = *Uuid::parse(arguments.at(2));
    const std::size_t rows = std::stoul(arguments.at(3));
    const auto store = open_postgres(options);
    const SealedFile file = sealed_file(Uuid::v7(), rows * kPlainRow + 1);
    const auto writer = staged(*store, kGateway, file);
    wait_for_the_end();
  }
  if (arguments.at(0) == "--hold") {
    const auto store = open_postgres(options_for(arguments.at(1)));
    const TenantId tenant{*Uuid::parse(arguments.at(2))};
    const auto writer = store->uploads().resume(tenant, *Uuid::parse(arguments.at(3)), now());
    if (writer != nullptr) wait_for_the_end();
    _exit(1);
  }
  if (arguments.at(0) == "--serve") {
    const auto cluster = PrivateCluster::start(arguments.at(1));
    wait_for_the_end();
  }
  wait_for_the_end();
}

}  // namespace letterbox::storage::testing
