// PostgreSQL refuses to be root, so these tests give that up first.
#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "tests/storage/child.h"
#include "tests/storage/database.h"

namespace {

bool become_nobody() {
  const passwd* nobody = getpwnam("nobody");
  if (nobody == nullptr || setgroups(0, nullptr) != 0 || setgid(nobody->pw_gid) != 0 ||
      setuid(nobody->pw_uid) != 0) {
    return false;
  }
  // Changing user closes /proc/self and debuggers out, leak detection among them.
  return prctl(PR_SET_DUMPABLE, 1) == 0;
}

class SharedCluster : public testing::Environment {
 public:
  void TearDown() override { letterbox::storage::testing::stop_shared_cluster(); }
};

}  // namespace

int main(int count, char** words) {
  if (geteuid() == 0 && !become_nobody()) {
    std::fputs("can't become the user nobody\n", stderr);
    return 1;
  }
  const std::vector<std::string> arguments(words + 1, words + count);
  if (!arguments.empty() && !arguments[0].starts_with("--gtest_")) {
    return letterbox::storage::testing::child_main(arguments);
  }
  testing::InitGoogleTest(&count, words);
  testing::AddGlobalTestEnvironment(new SharedCluster);
  return RUN_ALL_TESTS();
}
