// The local CA as stock openssl sees it.
#include "gateway/certificates.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

namespace letterbox::gateway {
namespace {

namespace fs = std::filesystem;

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen((command + " 2>&1").c_str(), "r"), pclose);
  std::string output;
  std::array<char, 4096> buffer{};
  while (const std::size_t got = fread(buffer.data(), 1, buffer.size(), pipe.get())) {
    output.append(buffer.data(), got);
  }
  return output;
}

class Certificates : public ::testing::Test {
 protected:
  Certificates() {
    std::string pattern = (fs::temp_directory_path() / "letterbox-certificates-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
  }
  ~Certificates() override { fs::remove_all(root_); }

  fs::path root_;
};

TEST_F(Certificates, TheServersVerifiesForLoopbackAndNothingElse) {
  const DataDirectory data(root_);
  const ServerCertificate made = server_certificate(data);
  const std::string verify =
      "openssl verify -x509_strict -CAfile " + made.authority.string() + " -purpose sslserver ";
  for (const char* name :
       {"-verify_ip 127.0.0.1 ", "-verify_ip ::1 ", "-verify_hostname localhost "}) {
    EXPECT_NE(output_of(verify + name + made.chain.string()).find(": OK"), std::string::npos)
        << name;
  }
  EXPECT_EQ(
      output_of(verify + "-verify_hostname hospital.example " + made.chain.string()).find(": OK"),
      std::string::npos);
}

TEST_F(Certificates, TheAuthorityIsHeldToLoopback) {
  const DataDirectory data(root_);
  const std::string text =
      output_of("openssl x509 -noout -text -in " + server_certificate(data).authority.string());
  EXPECT_NE(text.find("Name Constraints: critical"), std::string::npos);
  EXPECT_NE(text.find("CA:TRUE, pathlen:0"), std::string::npos);
}

TEST_F(Certificates, StayTheSameAcrossStarts) {
  const DataDirectory data(root_);
  const Bytes first = read_file(server_certificate(data).chain);
  EXPECT_EQ(read_file(server_certificate(data).chain), first);
}

TEST_F(Certificates, ALostServerCertificateIsMadeAnewUnderTheSameAuthority) {
  const DataDirectory data(root_);
  const ServerCertificate made = server_certificate(data);
  const Bytes authority = read_file(made.authority);
  fs::remove(made.chain);
  EXPECT_TRUE(fs::exists(server_certificate(data).chain));
  EXPECT_EQ(read_file(made.authority), authority);
}

TEST_F(Certificates, KeysAreTheOwnersAlone) {
  DataDirectory data(root_);
  server_certificate(data);
  data.signing_key();
  for (const auto& entry : fs::directory_iterator(data.keys())) {
    struct stat info {};
    ASSERT_EQ(stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600U) << entry.path();
  }
}

TEST_F(Certificates, TheSigningKeyAndInstanceOutliveTheProcess) {
  Uuid instance = Uuid::v7();
  std::string fingerprint;
  {
    DataDirectory data(root_);
    instance = data.instance();
    fingerprint = data.signing_key().verify_key().fingerprint();
  }
  DataDirectory data(root_);
  EXPECT_EQ(data.instance(), instance);
  EXPECT_EQ(data.signing_key().verify_key().fingerprint(), fingerprint);
}

TEST_F(Certificates, OneProcessAtATimeHoldsTheLock) {
  DataDirectory first(root_);
  DataDirectory second(root_);
  EXPECT_TRUE(first.try_lock());
  EXPECT_FALSE(second.try_lock());
}

}  // namespace
}  // namespace letterbox::gateway
