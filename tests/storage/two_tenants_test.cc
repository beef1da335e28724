// Two tenants on one gateway: whatever one does, the other neither sees nor feels it.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <sstream>

#include "tests/storage/database.h"
#include "tests/storage/sample.h"

namespace letterbox::storage::testing {
namespace {

using namespace std::chrono_literals;

enum class Kind { kMemory, kPostgres };

std::string text(const std::optional<std::chrono::sys_seconds>& time) {
  return time ? std::to_string(time->time_since_epoch().count()) : "-";
}

// Everything that a tenant's calls can show.
std::string everything(Store& store, TenantId tenant) {
  std::ostringstream out;
  for (const Principal& one : store.principals().list(tenant)) {
    out << one.id.text() << one.handle << static_cast<int>(one.kind) << text(one.revoked) << '\n';
    for (const AcceptedRecord& filed : store.devices().history(tenant, one.handle)) {
      out << filed.recipient << filed.record << '\n';
    }
  }
  for (const Device& one : store.devices().list(tenant)) {
    out << one.recipient << one.key_id << one.principal.text() << text(one.revoked) << '\n';
  }
  for (const Certificate& one : store.machines().certificates(tenant)) {
    out << to_hex(one.spki_sha256) << one.principal.text() << text(one.revoked) << '\n';
  }
  for (const MachineToken& one : store.machines().tokens(tenant)) {
    out << to_hex(one.sha256) << one.mailbox << text(one.revoked) << '\n';
  }
  for (const Invitation& one : store.invitations().list(tenant)) {
    out << to_hex(one.token_sha256) << one.handle << text(one.redeemed) << '\n';
  }
  for (const Mailbox& one : store.mailboxes().list(tenant)) {
    out << one.name << '\n';
    for (const std::string& handle : one.recipients) out << handle << '\n';
    for (const Uuid& depositor : one.depositors) out << depositor.text() << '\n';
  }
  for (const AuditRecord& one : store.audit().read(tenant, std::nullopt, 100'000)) {
    out << one.id.text() << one.event.object.value().text() << '\n';
  }
  return out.str();
}

// What calls are made with: the same few values for both tenants, so that they meet.
class Caller {
 public:
  Caller(Store& store, unsigned seed) : store_(store), random_(seed) {
    for (int i = 0; i < 4; ++i) {
      digests_.push_back(some_digest());
      devices_.push_back(some_device(handle(i)));
    }
    ids_.push_back(Uuid::v7());
  }

  // One call as `tenant`. What it is refused for, is no matter here. Returns the event it carried.
  Uuid call(TenantId tenant) {
    const AuditEvent event = some_event();
    try {
      make(tenant, event);
    } catch (const Error& error) {
      EXPECT_TRUE(error.code() == ErrorCode::kConflict || error.code() == ErrorCode::kNotFound)
          << error.what();
    }
    return event.object.value();
  }

 private:
  static std::string handle(int i) { return "n" + std::to_string(i) + "@x"; }
  template <typename Value>
  const Value& any(const std::vector<Value>& values) {
    return values[random_() % values.size()];
  }
  std::string any_handle() { return handle(static_cast<int>(random_() % 4)); }

  void make(TenantId tenant, const AuditEvent& event) {
    const auto soon =
        std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) + 1h;
    const std::string box = random_() % 2 == 0 ? "ward" : "er";
    switch (random_() % 16) {
      case 0:
      case 1: {
        const auto kind = random_() % 2 == 0 ? PrincipalKind::kMachine : PrincipalKind::kPerson;
        ids_.push_back(store_.principals().make(tenant, any_handle(), kind, event).id);
        break;
      }
      case 2:
        // Rarely, or soon nobody is left.
        if (random_() % 8 == 0) store_.principals().revoke(tenant, any(ids_), event);
        break;
      case 3:
      case 4:
        store_.devices().add(tenant, any(devices_), event);
        break;
      case 5:
        store_.devices().add_record(tenant, any(devices_).recipient, "x", event);
        break;
      case 6:
        store_.devices().revoke(tenant, any(devices_).recipient, "y", event);
        break;
      case 7:
        store_.devices().remove(tenant, any(devices_).recipient, event);
        break;
      case 8:
        store_.machines().add_certificate(tenant, any(ids_), any(digests_), event);
        break;
      case 9:
        store_.machines().revoke_certificate(tenant, any(digests_), event);
        break;
      case 10:
        store_.machines().add_token(
            tenant, {any(digests_), any(ids_), box, *AddressRange::parse("::/0")}, event);
        break;
      case 11:
        store_.machines().revoke_token(tenant, any(digests_), event);
        break;
      case 12:
        store_.invitations().make(
            tenant, {any(digests_), any_handle(), PrincipalKind::kPerson, soon, any(ids_)}, event);
        break;
      case 13:
        store_.invitations().redeem(tenant, any(digests_), any(devices_), event);
        break;
      case 14:
        store_.mailboxes().put(tenant, {box, {any_handle()}, {any(ids_)}}, event);
        break;
      case 15:
        if (random_() % 4 == 0) store_.mailboxes().remove(tenant, box, event);
        break;
    }
  }

  Store& store_;
  std::mt19937 random_;
  std::vector<Digest> digests_;
  std::vector<NewDevice> devices_;
  std::vector<Uuid> ids_;
};

class TwoTenants : public ::testing::TestWithParam<Kind> {};

TEST_P(TwoTenants, NeverShowNorChangeAnythingOfEachOther) {
  const auto store = GetParam() == Kind::kMemory
                         ? open_memory()
                         : open_postgres(options_for(fresh_database(shared_cluster())));
  const std::array tenants = {store->tenants().make("one"), store->tenants().make("two")};
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Caller caller(*store, seed);
  std::mt19937 turns(seed);
  std::array<std::vector<Uuid>, 2> events;

  for (int i = 0; i < 400; ++i) {
    const std::size_t caller_is = turns() % 2;
    const std::size_t other = 1 - caller_is;
    const std::string before = everything(*store, tenants[other]);
    events[caller_is].push_back(caller.call(tenants[caller_is]));
    ASSERT_EQ(everything(*store, tenants[other]), before) << "by call " << i;
  }

  std::size_t recorded = 0;
  for (const std::size_t mine : {0u, 1u}) {
    const std::string seen = everything(*store, tenants[mine]);
    // Ids are ours, so what is the other's can be told.
    for (const Principal& principal : store->principals().list(tenants[1 - mine])) {
      EXPECT_EQ(seen.find(principal.id.text()), std::string::npos);
      EXPECT_FALSE(store->principals().find(tenants[mine], principal.id));
    }
    for (const Certificate& one : store->machines().certificates(tenants[mine])) {
      const auto machine = store->machines().find_certificate(one.spki_sha256);
      if (machine) {
        EXPECT_EQ(machine->tenant, tenants[mine]);
      }
    }
    for (const MachineToken& one : store->machines().tokens(tenants[mine])) {
      const auto machine = store->machines().find_token(one.sha256, "::1");
      if (machine) {
        EXPECT_EQ(machine->tenant, tenants[mine]);
      }
    }
    for (const AuditRecord& one : store->audit().read(tenants[mine], std::nullopt, 10'000)) {
      EXPECT_EQ(std::count(events[mine].begin(), events[mine].end(), *one.event.object), 1);
      ++recorded;
    }
  }
  EXPECT_GT(recorded, 40u) << "too few calls did anything";
}

TEST_P(TwoTenants, UseTheSameNamesNoncesAndDeviceKeys) {
  const auto store = GetParam() == Kind::kMemory
                         ? open_memory()
                         : open_postgres(options_for(fresh_database(shared_cluster())));
  const NewDevice device = some_device("alice@x");
  const auto soon = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) + 1h;
  for (const char* name : {"one", "two"}) {
    const TenantId tenant = store->tenants().make(name);
    some_principal(*store, tenant, "alice@x");
    store->devices().add(tenant, device, some_event());
    store->mailboxes().put(tenant, {"ward", {"alice@x"}, {}}, some_event());
    EXPECT_TRUE(store->nonces().claim(tenant, device.key_id, "nonce", soon));
  }
}

INSTANTIATE_TEST_SUITE_P(Stores, TwoTenants, ::testing::Values(Kind::kMemory, Kind::kPostgres),
                         [](const auto& instance) {
                           return instance.param == Kind::kMemory ? "Memory" : "Postgres";
                         });

}  // namespace
}  // namespace letterbox::storage::testing
