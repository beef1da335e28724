#include "gateway/admin/first_administrator.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "tests/gateway/identity/people.h"

namespace letterbox::gateway {
namespace {

namespace fs = std::filesystem;

class FirstAdministrator : public testing::Test {
 protected:
  FirstAdministrator() {
    fs::create_directories(place_ / "public");
    write_file(place_ / "public" / "gateway.json", as_bytes(R"({"url":"https://u"})"), 0644);
    make_tenant_if_missing(*store_, kTenant);
  }
  ~FirstAdministrator() override { fs::remove_all(place_); }

  std::optional<fs::path> start() {
    return invite_first_administrator(*store_, DataDirectory(place_), kTenant);
  }

  std::string token() const {
    return nlohmann::json::parse(as_text(read_file(file_))).at("invitation");
  }

  std::vector<storage::Invitation> invitations() {
    return store_->invitations().list(store_->tenants().find(kTenant).value());
  }

  static constexpr const char* kTenant = "hospital.example";
  const fs::path place_ = testing::TempDir() + "first_" + std::to_string(getpid());
  const fs::path file_ = place_ / "first-administrator.json";
  const std::unique_ptr<storage::Store> store_ = storage::open_memory();
  const crypto::SigningKey gateway_ = crypto::SigningKey::generate();
};

TEST_F(FirstAdministrator, IsInvitedForAnHourByAFileThatIsTheGatewaysAlone) {
  const records::Time before = records::now();
  EXPECT_EQ(start(), file_);
  struct stat info {};
  ASSERT_EQ(stat(file_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  ASSERT_EQ(invitations().size(), 1u);
  const storage::Invitation made = invitations()[0];
  EXPECT_EQ(made.handle, "administrator@hospital.example");
  EXPECT_EQ(made.kind, storage::PrincipalKind::kAdministrator);
  EXPECT_GE(made.expires, before + std::chrono::hours{1});
  EXPECT_LE(made.expires, records::now() + std::chrono::hours{1});
  EXPECT_EQ(made.token_sha256, Token::parse(token()).value().sha256());
}

TEST_F(FirstAdministrator, IsInvitedOnceHoweverOftenTheGatewayStarts) {
  start();
  const std::string before = token();
  EXPECT_EQ(start(), file_);
  EXPECT_EQ(token(), before);
  EXPECT_EQ(invitations().size(), 1u);
}

TEST_F(FirstAdministrator, IsInvitedAnewOnceNoInvitationIsGood) {
  start();
  const std::string before = token();
  // As if its hour were over, and as if the process had ended before it filed the invitation.
  const auto tenant = store_->tenants().find(kTenant).value();
  ASSERT_TRUE(store_->invitations().withdraw(tenant, Token::parse(before).value().sha256(),
                                             {.kind = storage::AuditKind::kAdministration}));
  EXPECT_EQ(start(), file_);
  EXPECT_NE(token(), before);
}

TEST_F(FirstAdministrator, IsNotInvitedWhereSomebodyElseIs) {
  const auto tenant = store_->tenants().find(kTenant).value();
  const auto invite = [&](Byte first, records::Time expires) {
    Digest digest{};
    digest[0] = first;
    store_->invitations().make(
        tenant, {digest, "chief@hospital.example", storage::PrincipalKind::kAdministrator, expires},
        {.kind = storage::AuditKind::kAdministration});
  };
  invite(1, records::now() + std::chrono::hours{24});
  EXPECT_EQ(start(), std::nullopt);
  EXPECT_FALSE(fs::exists(file_));
}

TEST_F(FirstAdministrator, IsInvitedThoughAPersonIsOrAnAdministratorWas) {
  const auto tenant = store_->tenants().find(kTenant).value();
  store_->invitations().make(tenant,
                             {{},
                              "surgeon@hospital.example",
                              storage::PrincipalKind::kPerson,
                              records::now() + std::chrono::hours{24}},
                             {.kind = storage::AuditKind::kAdministration});
  Digest expired{};
  expired[0] = 1;
  store_->invitations().make(
      tenant,
      {expired, "chief@hospital.example", storage::PrincipalKind::kAdministrator,
       records::now() - std::chrono::hours{1}},
      {.kind = storage::AuditKind::kAdministration});
  EXPECT_EQ(start(), file_);
}

TEST_F(FirstAdministrator, WhoseHandleIsTakenKeepsNoGatewayFromStarting) {
  const auto tenant = store_->tenants().find(kTenant).value();
  store_->principals().make(tenant, "administrator@hospital.example",
                            storage::PrincipalKind::kPerson,
                            {.kind = storage::AuditKind::kAdministration});
  EXPECT_EQ(start(), std::nullopt);
  EXPECT_FALSE(fs::exists(file_));
  EXPECT_TRUE(invitations().empty());
}

TEST_F(FirstAdministrator, OnceThereTakesTheFileAway) {
  start();
  TestDevice device("administrator@hospital.example");
  device.record_ = device.record();
  ASSERT_TRUE(enrol(*store_, gateway_.verify_key(), Token::parse(token()).value().sha256(),
                    device.record_, "192.0.2.1"));
  EXPECT_EQ(start(), std::nullopt);
  EXPECT_FALSE(fs::exists(file_));
  EXPECT_EQ(invitations().size(), 1u);
}

}  // namespace
}  // namespace letterbox::gateway
