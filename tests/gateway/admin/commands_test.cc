// The commands on the host, against the in-memory store.
#include "gateway/admin/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "gateway/directory/devices.h"
#include "tests/gateway/identity/people.h"

namespace letterbox::gateway::admin {
namespace {

using storage::AuditKind;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kTenant = "hospital.example";

Digest digest(Byte first) {
  Digest made{};
  made[0] = first;
  return made;
}

class AdminCommands : public testing::Test {
 protected:
  AdminCommands() {
    add_tenant(*store_, kTenant, out_);
    out_.str("");
  }
  ~AdminCommands() override { std::filesystem::remove_all(place_); }

  storage::TenantId tenant() { return store_->tenants().find(kTenant).value(); }

  // What was printed since it was asked last.
  std::string printed() {
    std::string text = out_.str();
    out_.str("");
    return text;
  }

  std::vector<storage::AuditEvent> audit() {
    std::vector<storage::AuditEvent> events;
    for (const auto& record : store_->audit().read(tenant(), std::nullopt, 1000)) {
      events.push_back(record.event);
    }
    return events;
  }

  // What `action` adds to the audit trail, which must be of `kind` and done by nobody known.
  void expect_audit(std::size_t records, AuditKind kind, const std::function<void()>& action) {
    const std::size_t before = audit().size();
    action();
    const auto events = audit();
    ASSERT_EQ(events.size(), before + records);
    for (std::size_t i = before; i < events.size(); ++i) {
      EXPECT_EQ(events[i].kind, kind);
      EXPECT_FALSE(events[i].principal);
      EXPECT_FALSE(events[i].device);
      EXPECT_FALSE(events[i].peer);
    }
  }

  void expect_error(ErrorCode code, const std::function<void()>& action) {
    const std::size_t before = audit().size();
    printed();
    try {
      action();
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
    }
    EXPECT_EQ(audit().size(), before) << "what wasn't done isn't in the audit trail";
    EXPECT_EQ(printed(), "");
  }

  TestDevice enrolled(const char* handle) {
    TestDevice device(handle);
    EXPECT_TRUE(device.enrol(*store_, gateway_.verify_key()));
    return device;
  }

  std::vector<records::Device> devices(const TestDevice& whose) {
    return devices_of(store_->devices(), tenant(), whose.handle, gateway_.verify_key());
  }

  // A data directory of a gateway that has served.
  DataDirectory served() {
    std::filesystem::create_directories(place_ / "public");
    write_file(place_ / "public" / "gateway.json",
               as_bytes(R"({"url":"https://u","ca_certificate":"PEM\n","signing_key":"k"})"), 0644);
    return DataDirectory(place_);
  }

  std::string read(const std::filesystem::path& file) {
    const Bytes content = read_file(file);
    return std::string(as_text(content));
  }

  const std::filesystem::path place_ = testing::TempDir() + "admin_" + std::to_string(getpid());
  const std::unique_ptr<storage::Store> store_ = storage::open_memory();
  const crypto::SigningKey gateway_ = crypto::SigningKey::generate();
  std::ostringstream out_;
};

// --- Tenants

TEST_F(AdminCommands, ATenantIsMadeListedAndRecorded) {
  add_tenant(*store_, "clinic.example", out_);
  printed();
  list_tenants(*store_, out_);
  EXPECT_EQ(printed(), "clinic.example\nhospital.example\n");
  const auto made = store_->tenants().find("clinic.example").value();
  const auto records = store_->audit().read(made, std::nullopt, 10);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].event.kind, AuditKind::kAdministration);
}

TEST_F(AdminCommands, ATenantNeedsANameThatHandlesCanEndInAndThatIsFree) {
  for (const char* name : {"", ".gateway", "Hospital", "a@b", "a/b"}) {
    expect_error(ErrorCode::kUsage, [&] { add_tenant(*store_, name, out_); });
  }
  expect_error(ErrorCode::kConflict, [&] { add_tenant(*store_, kTenant, out_); });
}

TEST_F(AdminCommands, ATenantsLimitsAreSetOneByOneShownAndTakenBack) {
  const storage::TenantId tenant = *store_->tenants().find(kTenant);
  const auto shown = [&](const LimitOptions& options) {
    out_.str("");
    tenant_limits(*store_, options, out_);
    return out_.str();
  };
  EXPECT_EQ(shown({.tenant = kTenant}),
            "quota           none, 0 bytes used\n"
            "life            default\n"
            "longest life    default\n"
            "downloads       default\n"
            "most downloads  default\n");
  const auto events = [&] { return store_->audit().read(tenant, std::nullopt, 1000).size(); };
  const std::size_t before = events();
  EXPECT_EQ(shown({.tenant = kTenant, .quota = "500 GiB", .life = "14", .downloads = "3"}),
            "quota           500 GiB, 0 bytes used\n"
            "life            14 days\n"
            "longest life    default\n"
            "downloads       3\n"
            "most downloads  default\n");
  EXPECT_EQ(events(), before + 1);
  shown({.tenant = kTenant, .longest_life = "90", .most_downloads = "9"});
  EXPECT_EQ(store_->tenants().limits(tenant),
            (storage::TenantLimits{std::chrono::days(14), std::chrono::days(90), 3, 9,
                                   std::uint64_t{500} << 30}));
  shown({.tenant = kTenant});
  EXPECT_EQ(events(), before + 2) << "to look changes nothing";
  shown({.tenant = kTenant,
         .quota = "default",
         .life = "default",
         .longest_life = "default",
         .downloads = "default",
         .most_downloads = "default"});
  EXPECT_EQ(store_->tenants().limits(tenant), storage::TenantLimits{});
  shown({.tenant = kTenant, .quota = "0"});
  EXPECT_EQ(store_->tenants().limits(tenant).quota, 0u) << "a tenant may be full from the start";

  for (const LimitOptions& wrong : {LimitOptions{.tenant = kTenant, .quota = "much"},
                                    LimitOptions{.tenant = kTenant, .life = "0"},
                                    LimitOptions{.tenant = kTenant, .longest_life = "3651"},
                                    LimitOptions{.tenant = kTenant, .downloads = "0"},
                                    LimitOptions{.tenant = kTenant, .most_downloads = "-1"}}) {
    expect_error(ErrorCode::kUsage, [&] { tenant_limits(*store_, wrong, out_); });
  }
  expect_error(ErrorCode::kNotFound, [&] { tenant_limits(*store_, {.tenant = "nowhere"}, out_); });
}

// --- Invitations

TEST_F(AdminCommands, ATenantMayBeMadeWithAQuota) {
  add_tenant(*store_, "clinic.example", out_, 1000);
  const storage::TenantId tenant = *store_->tenants().find("clinic.example");
  EXPECT_EQ(store_->tenants().limits(tenant), storage::TenantLimits{.quota = 1000});
}

TEST_F(AdminCommands, AnInvitationFileLetsOneDeviceIn) {
  const DataDirectory data = served();
  SecretOutput output(place_ / "invitation.json");
  expect_audit(1, AuditKind::kAdministration,
               [&] { invite(*store_, data, {.handle = "surgeon@hospital.example"}, output); });
  const auto file = nlohmann::json::parse(read(place_ / "invitation.json"));
  EXPECT_EQ(file.size(), 5u);
  EXPECT_EQ(file.at("url"), "https://u");
  EXPECT_EQ(file.at("ca_certificate"), "PEM\n");
  EXPECT_EQ(file.at("signing_key"), "k");
  EXPECT_EQ(file.at("handle"), "surgeon@hospital.example");

  const auto token = Token::parse(file.at("invitation").get<std::string>());
  ASSERT_TRUE(token);
  const TestDevice device("surgeon@hospital.example");
  const auto let_in =
      enrol(*store_, gateway_.verify_key(), token->sha256(), device.record(), "192.0.2.1");
  ASSERT_TRUE(let_in);
  EXPECT_EQ(let_in->principal.kind, storage::PrincipalKind::kPerson);
  EXPECT_EQ(let_in->device.state, records::DeviceState::kActive);
  const TestDevice second("surgeon@hospital.example");
  EXPECT_FALSE(
      enrol(*store_, gateway_.verify_key(), token->sha256(), second.record(), "192.0.2.1"));
}

TEST_F(AdminCommands, AnInvitationIsForAsLongAndAsWhatItWasAskedFor) {
  const DataDirectory data = served();
  const records::Time before = records::now();
  SecretOutput one(place_ / "one.json");
  invite(*store_, data, {.handle = "a@hospital.example"}, one);
  SecretOutput other(place_ / "other.json");
  invite(*store_, data, {.handle = "b@hospital.example", .administrator = true, .hours = 336},
         other);
  for (const storage::Invitation& made : store_->invitations().list(tenant())) {
    const bool is_a = made.handle == "a@hospital.example";
    const auto kind =
        is_a ? storage::PrincipalKind::kPerson : storage::PrincipalKind::kAdministrator;
    EXPECT_EQ(made.kind, kind);
    EXPECT_FALSE(made.made_by);
    const std::chrono::hours life(is_a ? 72 : 336);
    EXPECT_GE(made.expires, before + life);
    EXPECT_LE(made.expires, records::now() + life);
  }
  EXPECT_EQ(store_->invitations().list(tenant()).size(), 2u);
}

TEST_F(AdminCommands, NobodyIsInvitedWhoCouldNotComeIn) {
  const DataDirectory data = served();
  const auto refuses = [&](ErrorCode code, const InviteOptions& options) {
    SecretOutput output(place_ / "refused.json");
    expect_error(code, [&] { invite(*store_, data, options, output); });
    EXPECT_EQ(read(place_ / "refused.json"), "");
  };
  refuses(ErrorCode::kUsage, {.handle = "surgeon"});
  refuses(ErrorCode::kUsage, {.handle = "a@hospital.example", .hours = 0});
  refuses(ErrorCode::kUsage, {.handle = "a@hospital.example", .hours = 337});
  refuses(ErrorCode::kUsage, {.handle = "a@hospital.example", .hours = SIZE_MAX});
  refuses(ErrorCode::kNotFound, {.handle = "a@clinic.example"});
  enrolled("person@hospital.example");
  refuses(ErrorCode::kConflict, {.handle = "person@hospital.example", .administrator = true});
  revoke_principal(*store_, gateway_, "person@hospital.example", out_);
  printed();
  refuses(ErrorCode::kConflict, {.handle = "person@hospital.example"});
  EXPECT_EQ(store_->invitations().list(tenant()).size(), 1u) << "that of enrolled()";
}

TEST_F(AdminCommands, WithoutAGatewayThatServedThereIsNothingToInviteTo) {
  const DataDirectory data(place_);
  SecretOutput output(place_ / "invitation.json");
  expect_error(ErrorCode::kFile,
               [&] { invite(*store_, data, {.handle = "surgeon@hospital.example"}, output); });
  EXPECT_TRUE(store_->invitations().list(tenant()).empty());
}

// --- Devices

TEST_F(AdminCommands, DevicesAreListedInTheStateThatFollowsFromTheRecords) {
  const TestDevice first = enrolled("surgeon@hospital.example");
  const TestDevice second = enrolled("surgeon@hospital.example");
  TestDevice replacement("surgeon@hospital.example");
  replacement.not_before = records::now() + std::chrono::hours{100};
  ASSERT_TRUE(replacement.enrol(*store_, gateway_.verify_key()));
  enrolled("other@hospital.example");
  revoke_device(*store_, gateway_, first.key_id(), out_);
  printed();

  list_devices(*store_, gateway_.verify_key(), "surgeon@hospital.example", out_);
  std::istringstream lines(printed());
  std::vector<std::string> listed;
  for (std::string line; std::getline(lines, line);) listed.push_back(line);
  ASSERT_EQ(listed.size(), 3u);
  EXPECT_THAT(listed[0], AllOf(StartsWith(first.key_id() + "  "), EndsWith("  revoked")));
  EXPECT_THAT(listed[1], AllOf(StartsWith(second.key_id() + "  "), EndsWith("  unvouched")));
  EXPECT_THAT(listed[2],
              AllOf(StartsWith(replacement.key_id() + "  "),
                    EndsWith("  waiting until " + records::to_text(*replacement.not_before))));
}

TEST_F(AdminCommands, ARevokedDeviceIsSoForWhoeverGoesByTheRecords) {
  const TestDevice device = enrolled("surgeon@hospital.example");
  ASSERT_EQ(devices(device)[0].state, records::DeviceState::kActive);
  expect_audit(1, AuditKind::kRevocation,
               [&] { revoke_device(*store_, gateway_, device.key_id(), out_); });
  EXPECT_EQ(audit().back().object, store_->devices().find_key(device.key_id())->device.principal);
  EXPECT_EQ(printed(), "surgeon@hospital.example  device " + device.key_id() + " revoked\n");

  const records::Device now = devices(device)[0];
  EXPECT_EQ(now.state, records::DeviceState::kRevoked);
  EXPECT_EQ(now.revoked->revoked_by, records::RevokedBy::kGateway);
  EXPECT_EQ(now.revoked->signing_key, gateway_.verify_key());
  EXPECT_TRUE(store_->devices().find_key(device.key_id())->device.revoked);

  expect_audit(0, AuditKind::kRevocation,
               [&] { revoke_device(*store_, gateway_, device.key_id(), out_); });
  EXPECT_THAT(printed(), EndsWith("was revoked before\n"));
}

TEST_F(AdminCommands, AnUnknownDeviceIsSaidToBe) {
  expect_error(ErrorCode::kNotFound,
               [&] { revoke_device(*store_, gateway_, std::string(64, 'a'), out_); });
  expect_error(ErrorCode::kNotFound, [&] { revoke_device(*store_, gateway_, "'; --", out_); });
}

// --- Principals

TEST_F(AdminCommands, PrincipalsAreListedInTheirTenantAlone) {
  add_tenant(*store_, "clinic.example", out_);
  enrolled("surgeon@hospital.example");
  add_machine(*store_, "pacs@clinic.example", digest(1), out_);
  printed();
  list_principals(*store_, kTenant, out_);
  EXPECT_THAT(printed(), AllOf(StartsWith("surgeon@hospital.example  person  "),
                               Not(HasSubstr("pacs")), Not(HasSubstr("revoked"))));
  list_principals(*store_, "clinic.example", out_);
  EXPECT_THAT(printed(),
              AllOf(StartsWith("pacs@clinic.example  machine  "), Not(HasSubstr("surgeon"))));
  expect_error(ErrorCode::kNotFound, [&] { list_principals(*store_, "elsewhere", out_); });
}

TEST_F(AdminCommands, SomebodyIsRevokedWithTheirDevices) {
  const TestDevice first = enrolled("surgeon@hospital.example");
  const TestDevice second = enrolled("surgeon@hospital.example");
  const TestDevice other = enrolled("other@hospital.example");
  expect_audit(3, AuditKind::kRevocation,
               [&] { revoke_principal(*store_, gateway_, "surgeon@hospital.example", out_); });
  EXPECT_EQ(printed(), "surgeon@hospital.example revoked\n");
  for (const records::Device& device : devices(first)) {
    EXPECT_EQ(device.state, records::DeviceState::kRevoked);
  }
  EXPECT_EQ(devices(other)[0].state, records::DeviceState::kActive);
  TestDevice late("surgeon@hospital.example");
  EXPECT_FALSE(late.enrol(*store_, gateway_.verify_key()));

  expect_audit(0, AuditKind::kRevocation,
               [&] { revoke_principal(*store_, gateway_, "surgeon@hospital.example", out_); });
  EXPECT_EQ(printed(), "surgeon@hospital.example was revoked before\n");
  list_principals(*store_, kTenant, out_);
  EXPECT_THAT(printed(), HasSubstr("  revoked "));
  expect_error(ErrorCode::kNotFound,
               [&] { revoke_principal(*store_, gateway_, "nobody@hospital.example", out_); });
}

// --- Machines

TEST_F(AdminCommands, AMachineIsMadeWithItsFirstCertificateAndFoundByEach) {
  expect_audit(2, AuditKind::kAdministration,
               [&] { add_machine(*store_, "radiology@hospital.example", digest(1), out_); });
  expect_audit(1, AuditKind::kAdministration,
               [&] { add_machine(*store_, "radiology@hospital.example", digest(2), out_); });
  const auto first = store_->machines().find_certificate(digest(1));
  const auto second = store_->machines().find_certificate(digest(2));
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->principal, second->principal);
  EXPECT_EQ(first->tenant, tenant());
  expect_error(ErrorCode::kConflict,
               [&] { add_machine(*store_, "radiology@hospital.example", digest(1), out_); });
}

TEST_F(AdminCommands, AMachineTakesNobodysHandle) {
  enrolled("surgeon@hospital.example");
  add_machine(*store_, "radiology@hospital.example", digest(1), out_);
  revoke_principal(*store_, gateway_, "radiology@hospital.example", out_);
  printed();
  for (const char* handle : {"surgeon@hospital.example", "radiology@hospital.example"}) {
    expect_error(ErrorCode::kConflict, [&] { add_machine(*store_, handle, digest(2), out_); });
  }
  EXPECT_FALSE(store_->machines().find_certificate(digest(1)));
  expect_error(ErrorCode::kNotFound,
               [&] { add_machine(*store_, "pacs@clinic.example", digest(2), out_); });
  expect_error(ErrorCode::kUsage, [&] { add_machine(*store_, "pacs", digest(2), out_); });
}

TEST_F(AdminCommands, ACertificateIsRevokedWhicheverTenantHasIt) {
  add_tenant(*store_, "clinic.example", out_);
  add_machine(*store_, "pacs@clinic.example", digest(1), out_);
  add_machine(*store_, "pacs@clinic.example", digest(2), out_);
  printed();
  revoke_certificate(*store_, digest(1), out_);
  EXPECT_THAT(printed(),
              AllOf(StartsWith("pacs@clinic.example  certificate 01"), EndsWith(" revoked\n")));
  EXPECT_FALSE(store_->machines().find_certificate(digest(1)));
  EXPECT_TRUE(store_->machines().find_certificate(digest(2)));
  list_machines(*store_, "clinic.example", out_);
  EXPECT_THAT(printed(), AllOf(HasSubstr(to_hex(digest(1)) + "  revoked\n"),
                               HasSubstr(to_hex(digest(2)) + "  valid\n")));
  expect_error(ErrorCode::kNotFound, [&] { revoke_certificate(*store_, digest(1), out_); });
  expect_error(ErrorCode::kNotFound, [&] { revoke_certificate(*store_, digest(9), out_); });
}

TEST_F(AdminCommands, AMachineTokenIsForOneMailboxFromOneRange) {
  put_mailbox(*store_, {"clinic", kTenant, {"surgeon@hospital.example"}, {}}, out_);
  std::filesystem::create_directories(place_);
  SecretOutput output(place_ / "token");
  std::string id;
  // The machine, its right to the mailbox, its token.
  expect_audit(3, AuditKind::kAdministration, [&] {
    id = make_machine_token(*store_, {"ct@hospital.example", "clinic", "192.0.2.0/24"}, output);
  });
  const std::string line = read(place_ / "token");
  ASSERT_THAT(line, EndsWith("\n"));
  const auto token = Token::parse(line.substr(0, line.size() - 1));
  ASSERT_TRUE(token);
  EXPECT_EQ(to_hex(token->sha256()), id);
  const auto machine = store_->machines().find_token(token->sha256(), "192.0.2.200");
  ASSERT_TRUE(machine);
  EXPECT_EQ(machine->mailbox, "clinic");
  EXPECT_FALSE(store_->machines().find_token(token->sha256(), "192.0.3.1"));
  EXPECT_TRUE(
      store_->mailboxes().find(tenant(), "clinic")->depositors.contains(machine->principal));

  printed();
  list_machines(*store_, kTenant, out_);
  EXPECT_EQ(printed(),
            "ct@hospital.example  token " + id + "  valid  for clinic from 192.0.2.0/24\n");
  expect_audit(1, AuditKind::kRevocation,
               [&] { revoke_machine_token(*store_, kTenant, id, out_); });
  EXPECT_FALSE(store_->machines().find_token(token->sha256(), "192.0.2.200"));
  expect_audit(0, AuditKind::kRevocation,
               [&] { revoke_machine_token(*store_, kTenant, id, out_); });
}

TEST_F(AdminCommands, AMachineTokenNeedsAMailboxAndARange) {
  put_mailbox(*store_, {"clinic", kTenant, {"surgeon@hospital.example"}, {}}, out_);
  printed();
  std::filesystem::create_directories(place_);
  SecretOutput output(place_ / "token");
  const auto refuses = [&](ErrorCode code, const MachineTokenOptions& options) {
    expect_error(code, [&] { make_machine_token(*store_, options, output); });
  };
  refuses(ErrorCode::kUsage, {"ct@hospital.example", "clinic", "192.0.2.1"});
  refuses(ErrorCode::kUsage, {"ct@hospital.example", "clinic", "192.0.2.1/24"});
  refuses(ErrorCode::kUsage, {"ct", "clinic", "192.0.2.0/24"});
  refuses(ErrorCode::kNotFound, {"ct@hospital.example", "elsewhere", "192.0.2.0/24"});
  refuses(ErrorCode::kNotFound, {"ct@clinic.example", "clinic", "192.0.2.0/24"});
  EXPECT_EQ(read(place_ / "token"), "");
  expect_error(ErrorCode::kUsage,
               [&] { revoke_machine_token(*store_, kTenant, "not an id", out_); });
  expect_error(ErrorCode::kNotFound,
               [&] { revoke_machine_token(*store_, kTenant, std::string(64, '0'), out_); });
}

// --- Mailboxes

TEST_F(AdminCommands, AMailboxIsPutListedAndRemoved) {
  add_machine(*store_, "ct@hospital.example", digest(1), out_);
  expect_audit(1, AuditKind::kAdministration, [&] {
    put_mailbox(*store_,
                {"clinic",
                 kTenant,
                 {"surgeon@hospital.example", "yet-to-come@hospital.example"},
                 {"ct@hospital.example"},
                 5},
                out_);
  });
  printed();
  list_mailboxes(*store_, kTenant, out_);
  EXPECT_EQ(printed(),
            "clinic  closes after 5 s\n  to surgeon@hospital.example\n"
            "  to yet-to-come@hospital.example\n  from ct@hospital.example\n");
  put_mailbox(*store_, {"clinic", kTenant, {"surgeon@hospital.example"}, {}}, out_);
  printed();
  list_mailboxes(*store_, kTenant, out_);
  EXPECT_EQ(printed(), "clinic  closes after 60 s\n  to surgeon@hospital.example\n");
  EXPECT_THROW(put_mailbox(*store_, {"clinic", kTenant, {}, {}, 1801}, out_), Error);

  expect_audit(1, AuditKind::kAdministration,
               [&] { remove_mailbox(*store_, kTenant, "clinic", out_); });
  EXPECT_FALSE(store_->mailboxes().find(tenant(), "clinic"));
  printed();
  expect_error(ErrorCode::kNotFound, [&] { remove_mailbox(*store_, kTenant, "clinic", out_); });
}

TEST_F(AdminCommands, AMailboxHasANameThatFitsIntoAUrlAndPeopleOfItsTenant) {
  add_tenant(*store_, "clinic.example", out_);
  printed();
  const auto refuses = [&](ErrorCode code, const MailboxOptions& options) {
    expect_error(code, [&] { put_mailbox(*store_, options, out_); });
  };
  const std::vector<std::string> surgeon = {"surgeon@hospital.example"};
  for (const char* name : {"", "a b", "a/b", "A", "a@b", "-", "\n"}) {
    refuses(ErrorCode::kUsage, {name, kTenant, surgeon, {}});
  }
  refuses(ErrorCode::kUsage, {"clinic", kTenant, {"surgeon@clinic.example"}, {}});
  refuses(ErrorCode::kUsage, {"clinic", kTenant, {"surgeon"}, {}});
  refuses(ErrorCode::kNotFound, {"clinic", kTenant, surgeon, {"nobody@hospital.example"}});
  refuses(ErrorCode::kNotFound, {"clinic", "elsewhere.example", {"a@elsewhere.example"}, {}});
}

}  // namespace
}  // namespace letterbox::gateway::admin
