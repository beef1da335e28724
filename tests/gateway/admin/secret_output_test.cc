#include "gateway/admin/secret_output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "gateway/data_directory.h"

namespace letterbox::gateway {
namespace {

namespace fs = std::filesystem;

class SecretOutputFile : public testing::Test {
 protected:
  SecretOutputFile() {
    fs::remove_all(place_);
    fs::create_directories(place_);
  }
  ~SecretOutputFile() override { fs::remove_all(place_); }

  void expect_refused() {
    try {
      const SecretOutput output(file_);
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kFile) << error.what();
    }
  }

  const fs::path place_ = testing::TempDir() + "secret_output_" + std::to_string(getpid());
  const fs::path file_ = place_ / "secret";
};

TEST_F(SecretOutputFile, IsItsOwnersAloneWhateverTheUmask) {
  const mode_t before = umask(0);
  {
    SecretOutput output(file_);
    output.write(SecretBytes(as_bytes("a secret\n")));
  }
  umask(before);
  struct stat info {};
  ASSERT_EQ(stat(file_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  EXPECT_EQ(as_text(read_file(file_)), "a secret\n");
}

TEST_F(SecretOutputFile, ReplacesNothing) {
  write_file(file_, as_bytes("something"), 0600);
  expect_refused();
  EXPECT_EQ(as_text(read_file(file_)), "something");
}

TEST_F(SecretOutputFile, MayBeTheEmptyOneThatAFailedCommandLeft) {
  { const SecretOutput output(file_); }
  SecretOutput output(file_);
  output.write(SecretBytes(as_bytes("x")));
  EXPECT_EQ(as_text(read_file(file_)), "x");
}

TEST_F(SecretOutputFile, IsNoFileThatSomebodyElseMayHaveOpen) {
  write_file(file_, {}, 0644);
  expect_refused();
}

TEST_F(SecretOutputFile, IsReachedByNoLink) {
  write_file(place_ / "other", {}, 0600);
  fs::create_symlink(place_ / "other", file_);
  expect_refused();
  fs::remove(file_);
  fs::create_hard_link(place_ / "other", file_);
  expect_refused();
}

TEST_F(SecretOutputFile, IsNoPipe) {
  ASSERT_EQ(mkfifo(file_.c_str(), 0600), 0);
  expect_refused();
}

}  // namespace
}  // namespace letterbox::gateway
