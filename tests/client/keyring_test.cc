#include "client/keyring.h"

#include <keyutils.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "client/key_file.h"
#include "crypto/passphrase_file.h"
#include "tests/client/fixtures.h"

namespace letterbox::client {
namespace {

constexpr std::chrono::minutes kTime{10};

// A key file of its own, and with it a place of its own in the keyring, which is left empty.
class KeyringTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const long key = ::add_key("user", "letterbox:test", "x", 1, KEY_SPEC_PROCESS_KEYRING);
    if (key < 0) GTEST_SKIP() << "this kernel gives no keyring";
    write_file(path, sealed);
  }
  void TearDown() override { forget_unlocked(path); }

  static Bytes seal(const Device& device) {
    return crypto::seal_with_passphrase(format_key_file(device.identity, device.key, device.handle,
                                                        *records::parse_time(Device::kCreated)),
                                        SecretBytes(as_bytes("right")), /*work_factor=*/8);
  }
  crypto::FileKey file_key() const {
    return crypto::passphrase_file_key(sealed, SecretBytes(as_bytes("right")));
  }

  const TemporaryDirectory place;
  const std::filesystem::path path = place / "key.age";
  const Device device{"ada@clinic.example"};
  const Bytes sealed = seal(device);
};

TEST_F(KeyringTest, KeepsAFileKeyUntilItIsForgotten) {
  EXPECT_FALSE(unlocked_file_key(path));
  EXPECT_FALSE(forget_unlocked(path));
  keep_unlocked(path, file_key(), kTime);
  const auto kept = unlocked_file_key(path);
  ASSERT_TRUE(kept);
  EXPECT_TRUE(std::ranges::equal(kept->reveal(), file_key().reveal()));
  EXPECT_TRUE(forget_unlocked(path));
  EXPECT_FALSE(unlocked_file_key(path));
}

TEST_F(KeyringTest, KeepsOneKeyForAPathTheLatest) {
  keep_unlocked(path, crypto::random_file_key(), kTime);
  const crypto::FileKey latest = crypto::random_file_key();
  keep_unlocked(path, latest, kTime);
  EXPECT_TRUE(std::ranges::equal(unlocked_file_key(path)->reveal(), latest.reveal()));
  EXPECT_TRUE(forget_unlocked(path));
  EXPECT_FALSE(unlocked_file_key(path));
}

TEST_F(KeyringTest, KeepsPathsApart) {
  keep_unlocked(path, file_key(), kTime);
  EXPECT_FALSE(unlocked_file_key(place / "other" / "key.age"));
  EXPECT_TRUE(unlocked_file_key(place / "." / "key.age"));
}

// The one thing that isn't seen from outside: that the kernel was told to forget.
TEST_F(KeyringTest, TellsTheKernelWhenToForget) {
  keep_unlocked(path, file_key(), kTime);
  const std::string description = "letterbox:" + std::filesystem::canonical(path).string();
  std::ifstream keys("/proc/keys");
  std::string line;
  while (std::getline(keys, line))
    if (line.find(description) != std::string::npos) break;
  ASSERT_NE(line.find(description), std::string::npos);
  // "serial flags usage timeout …": minutes, as in " 9m ", and not "perm".
  EXPECT_NE(line.find("m "), std::string::npos) << line;
  EXPECT_EQ(line.find("perm "), std::string::npos) << line;
}

TEST_F(KeyringTest, IsNobodyElses) {
  keep_unlocked(path, file_key(), kTime);
  const std::string description = "letterbox:" + std::filesystem::canonical(path).string();
  const long key = ::keyctl_search(KEY_SPEC_USER_KEYRING, "user", description.c_str(), 0);
  ASSERT_GT(key, 0);
  char* text = nullptr;
  ASSERT_GT(::keyctl_describe_alloc(static_cast<key_serial_t>(key), &text), 0);
  // "type;uid;gid;permissions;description": nothing for group and others, no writing for anybody.
  const std::string described(text);
  free(text);
  EXPECT_NE(described.find(";1b0b0000;"), std::string::npos) << described;
}

TEST_F(KeyringTest, OpensTheKeyFileInPlaceOfThePassphrase) {
  keep_unlocked(path, file_key(), kTime);
  const DeviceKeys keys = read_key_file(path, std::nullopt);
  EXPECT_EQ(keys.identities[0].recipient(), device.identity.recipient());
}

TEST_F(KeyringTest, DoesNotHideAWrongPassphraseThatWasGiven) {
  write_file(place / "wrong", as_bytes("wrong\n"));
  keep_unlocked(path, file_key(), kTime);
  EXPECT_EQ(thrown_by([&] { read_key_file(path, place / "wrong"); }), ErrorCode::kWrongPassphrase);
}

// As a cron job's session: none of its keyrings leads to the user's.
TEST_F(KeyringTest, IsSeenFromAnotherSessionOfTheUser) {
  keep_unlocked(path, file_key(), kTime);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::keyctl_join_session_keyring(nullptr) < 0) ::_exit(1);
    ::_exit(unlocked_file_key(path) && forget_unlocked(path) ? 0 : 2);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// Without a terminal there is nobody to ask, so asking shows as kFile.
TEST_F(KeyringTest, IsAskedPastWhenTheKeyFileWasReplaced) {
  keep_unlocked(path, file_key(), kTime);
  write_file(path, seal(Device("ada@clinic.example")));
  const pid_t child = ::fork();
  if (child == 0) {
    ::setsid();
    ::_exit(thrown_by([&] { read_key_file(path, std::nullopt); }) == ErrorCode::kFile ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

// As in a container, whose system call filter answers EPERM.
bool forbid_keyrings() {
  const auto refuse = [](unsigned number) {
    return std::array<sock_filter, 2>{
        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)};
  };
  const auto add = refuse(SYS_add_key);
  const auto control = refuse(SYS_keyctl);
  std::array<sock_filter, 6> program{
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      add[0],
      add[1],
      control[0],
      control[1],
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog filter{program.size(), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST_F(KeyringTest, SaysWhereTheKernelRefusesAndChangesNothing) {
  write_file(place / "right", as_bytes("right\n"));
  const pid_t child = ::fork();
  if (child == 0) {
    if (!forbid_keyrings()) ::_exit(1);
    if (thrown_by([&] { keep_unlocked(path, file_key(), kTime); }) != ErrorCode::kConfiguration)
      ::_exit(2);
    if (unlocked_file_key(path)) ::_exit(3);
    if (forget_unlocked(path)) ::_exit(4);
    if (thrown_by([&] { read_key_file(path, place / "right"); })) ::_exit(5);
    ::_exit(0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace letterbox::client
