// Two tenants on one gateway: whatever one does, the other neither sees nor feels it.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <sstream>

#include "crypto/hash.h"
#include "tests/storage/database.h"
#include "tests/storage/sample.h"

namespace letterbox::storage::testing {
namespace {

using namespace std::chrono_literals;

enum class Kind { kMemory, kPostgres };

std::string text(const std::optional<std::chrono::sys_seconds>& time) {
  return time ? std::to_string(time->time_since_epoch().count()) : "-";
}

// What deliveries, files and inboxes are asked for by: the same few for both tenants, so that they
// meet.
struct Names {
  std::vector<Uuid> deliveries;
  std::vector<Uuid> files;
  std::vector<std::string> recipients;
};

std::string text(const Delivery& delivery) {
  std::string out = delivery.id.text() + delivery.sender.text() + delivery.covers.at(0) +
                    delivery.manifest.value_or("open");
  for (const FileSummary& file : delivery.files) {
    out += file.id.text() + to_hex(file.payload_sha256);
  }
  return out + '\n';
}

void show_shelf(std::ostream& out, Store& store, TenantId tenant, const Names& names) {
  for (const Uuid& id : names.deliveries) {
    if (const auto delivery = store.deliveries().find(tenant, id)) out << text(*delivery);
    if (const auto audience = store.deliveries().audience(tenant, id)) {
      out << audience->sender.text();
      for (const std::string& recipient : audience->recipients) out << recipient << '\n';
    }
  }
  for (const std::string& recipient : names.recipients) {
    for (const Delivery& one :
         store.deliveries().inbox(tenant, recipient, std::nullopt, 100).deliveries) {
      out << text(one);
    }
  }
  for (const Uuid& id : names.files) {
    const auto file = store.blobs().find(tenant, id);
    if (!file) continue;
    out << file->delivery.text() << as_text(file->header)
        << to_hex(crypto::sha256(read_payload(store, tenant, id))) << '\n';
  }
}

// Everything that a tenant's calls can show.
std::string everything(Store& store, TenantId tenant, const Names& names) {
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
  show_shelf(out, store, tenant, names);
  return out.str();
}

// What calls are made with: the same few values for both tenants, so that they meet.
class Caller {
 public:
  Caller(Store& store, unsigned seed) : store_(store), random_(seed) {
    for (int i = 0; i < 4; ++i) {
      digests_.push_back(some_digest());
      devices_.push_back(some_device(handle(i)));
      names_.deliveries.push_back(Uuid::v7());
      names_.files.push_back(Uuid::v7());
    }
    names_.recipients = {some_recipient(), some_recipient()};
    // One is staged as it comes, the other waits whole for its commit.
    payloads_ = {sealed_file(Uuid::v7(), kPlainRow + 1), sealed_file(Uuid::v7(), 10)};
    ids_.push_back(Uuid::v7());
  }

  const Names& names() const { return names_; }

  // Makes somebody in `tenant` who sends. Returns the event it carried.
  Uuid let_in(TenantId tenant) {
    const AuditEvent event = some_event();
    const Uuid id = store_.principals().make(tenant, "sender@x", PrincipalKind::kPerson, event).id;
    senders_.emplace(tenant, id);
    ids_.push_back(id);
    return event.object.value();
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
    switch (random_() % 22) {
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
      case 7:
        store_.devices().revoke(tenant, any(devices_).recipient, "y", event);
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
      case 16:
        store_.deliveries().open(tenant, delivery(tenant, soon), event);
        break;
      case 17:
        store_.deliveries().close(tenant, any(names_.deliveries), Uuid::v7().text(),
                                  {any(names_.files)}, {}, event);
        break;
      case 18:
        stage(tenant);
        break;
      case 19: {
        stage(tenant);
        const Waiting waiting = take_one_of(tenant);
        waiting.writer->commit(waiting.file, nullptr, event);
        break;
      }
      case 20: {
        stage(tenant);
        Waiting waiting = take_one_of(tenant);
        const NewDelivery made = delivery(tenant, soon);
        waiting.file.delivery = made.id;
        waiting.writer->commit_as_delivery(waiting.file, nullptr, made, Uuid::v7().text(), event);
        break;
      }
      case 21:
        store_.blobs().remove(tenant, any(names_.files), event);
        break;
    }
  }

  NewDelivery delivery(TenantId tenant, std::chrono::sys_seconds expires) {
    // Mostly one that will do, or deliveries are too few to meet.
    const Uuid sender = random_() % 4 == 0 ? any(ids_) : senders_.at(tenant);
    return {any(names_.deliveries),          sender,       false,
            "a cover, " + Uuid::v7().text(), expires - 1h, expires,
            {any(names_.recipients)}};
  }

  // What is staged and not committed yet. The other tenant's calls come in between.
  struct Waiting {
    TenantId tenant;
    FileRecord file;
    std::unique_ptr<BlobWriter> writer;
  };

  void stage(TenantId tenant) {
    SealedFile file = any(payloads_);
    file.record.id = any(names_.files);
    file.record.delivery = any(names_.deliveries);
    const std::string header = "a header, " + Uuid::v7().text();
    file.record.header.assign(header.begin(), header.end());
    waiting_.push_back({tenant, file.record, staged(store_, tenant, file)});
  }

  Waiting take_one_of(TenantId tenant) {
    const auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                    [&](const Waiting& one) { return one.tenant == tenant; });
    Waiting taken = std::move(*found);
    waiting_.erase(found);
    return taken;
  }

  Store& store_;
  std::mt19937 random_;
  std::vector<Digest> digests_;
  std::vector<NewDevice> devices_;
  std::vector<Uuid> ids_;
  Names names_;
  std::map<TenantId, Uuid> senders_;
  std::vector<SealedFile> payloads_;
  std::vector<Waiting> waiting_;
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
  const auto has = [&](TenantId tenant, const Uuid& delivery) {
    return store->deliveries().audience(tenant, delivery).has_value();
  };

  for (const std::size_t i : {0u, 1u}) events[i].push_back(caller.let_in(tenants[i]));
  for (int i = 0; i < 400; ++i) {
    const std::size_t caller_is = turns() % 2;
    const std::size_t other = 1 - caller_is;
    const std::string before = everything(*store, tenants[other], caller.names());
    events[caller_is].push_back(caller.call(tenants[caller_is]));
    ASSERT_EQ(everything(*store, tenants[other], caller.names()), before) << "by call " << i;
  }

  std::size_t recorded = 0;
  for (const std::size_t mine : {0u, 1u}) {
    const std::string seen = everything(*store, tenants[mine], caller.names());
    // Ids are ours, so what is the other's can be told.
    for (const Principal& principal : store->principals().list(tenants[1 - mine])) {
      EXPECT_EQ(seen.find(principal.id.text()), std::string::npos);
      EXPECT_FALSE(store->principals().find(tenants[mine], principal.id));
    }
    for (const Device& one : store->devices().list(tenants[mine])) {
      EXPECT_EQ(store->devices().find_key(one.key_id).value().tenant, tenants[mine]);
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
  const std::vector<Uuid>& ids = caller.names().deliveries;
  EXPECT_TRUE(std::any_of(ids.begin(), ids.end(), [&](const Uuid& id) {
    return has(tenants[0], id) && has(tenants[1], id);
  })) << "they never met";
}

TEST_P(TwoTenants, UseTheSameIdsForDeliveriesAndFiles) {
  const auto store = GetParam() == Kind::kMemory
                         ? open_memory()
                         : open_postgres(options_for(fresh_database(shared_cluster())));
  struct Tenant {
    TenantId id;
    NewDelivery delivery;
    SealedFile file;
    std::string manifest;
  };
  std::vector<Tenant> both;
  const Uuid delivery = Uuid::v7();
  const Uuid file = Uuid::v7();
  const std::string recipient = some_recipient();
  for (const char* name : {"one", "two"}) {
    const TenantId id = store->tenants().make(name);
    Tenant& tenant = both.emplace_back(
        Tenant{id, some_delivery(some_principal(*store, id, "alice@x").id),
               sealed_file(delivery, both.size() * kPlainRow + 10), std::string("of ") + name});
    tenant.delivery.id = delivery;
    tenant.delivery.cover = name;
    tenant.delivery.recipients = {recipient};
    tenant.file.record.id = file;
  }
  const Tenant& one = both[0];
  const Tenant& two = both[1];

  // What is open in one tenant is nowhere in the other: not found, not added to, not closed.
  store->deliveries().open(one.id, one.delivery, some_event());
  EXPECT_FALSE(store->deliveries().find(two.id, delivery));
  EXPECT_FALSE(store->deliveries().audience(two.id, delivery));
  const auto stray = staged(*store, two.id, two.file);
  EXPECT_EQ(error_of([&] { stray->commit(two.file.record, nullptr, some_event()); }),
            ErrorCode::kNotFound);
  staged(*store, one.id, one.file)->commit(one.file.record, nullptr, some_event());
  EXPECT_EQ(
      error_of([&] { store->deliveries().close(two.id, delivery, "m", {file}, {}, some_event()); }),
      ErrorCode::kNotFound);
  store->deliveries().close(one.id, delivery, one.manifest, {file}, {}, some_event());
  EXPECT_FALSE(store->blobs().find(two.id, file));
  EXPECT_EQ(error_of([&] { read_payload(*store, two.id, file); }), ErrorCode::kNotFound);
  EXPECT_FALSE(store->blobs().remove(two.id, file, some_event()));
  EXPECT_TRUE(store->deliveries().inbox(two.id, recipient, std::nullopt, 10).deliveries.empty());

  // The same ids with other content.
  stray->commit_as_delivery(two.file.record, nullptr, two.delivery, two.manifest, some_event());
  for (const Tenant& own : both) {
    const Delivery found = store->deliveries().find(own.id, delivery).value();
    EXPECT_EQ(found.sender, own.delivery.sender);
    EXPECT_EQ(found.covers.at(0), own.delivery.cover);
    EXPECT_EQ(found.manifest, own.manifest);
    EXPECT_EQ(found.files.at(0).payload_sha256, own.file.record.payload_sha256);
    EXPECT_EQ(store->deliveries().audience(own.id, delivery).value().sender, own.delivery.sender);
    const auto inbox = store->deliveries().inbox(own.id, recipient, std::nullopt, 10).deliveries;
    ASSERT_EQ(inbox.size(), 1u);
    EXPECT_EQ(inbox[0].manifest, own.manifest);
    EXPECT_EQ(store->blobs().find(own.id, file).value().header, own.file.record.header);
    EXPECT_EQ(read_payload(*store, own.id, file), own.file.payload());
  }

  EXPECT_TRUE(store->blobs().remove(two.id, file, some_event()));
  EXPECT_EQ(read_payload(*store, one.id, file), one.file.payload());
}

TEST_P(TwoTenants, UseTheSameNamesNoncesAndAgeKeys) {
  const auto store = GetParam() == Kind::kMemory
                         ? open_memory()
                         : open_postgres(options_for(fresh_database(shared_cluster())));
  const std::string recipient = some_recipient();
  const auto soon = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) + 1h;
  for (const char* name : {"one", "two"}) {
    const TenantId tenant = store->tenants().make(name);
    some_principal(*store, tenant, "alice@x");
    NewDevice device = some_device("alice@x");
    device.recipient = recipient;
    store->devices().add(tenant, device, some_event());
    store->mailboxes().put(tenant, {"ward", {"alice@x"}, {}}, some_event());
    EXPECT_TRUE(store->nonces().claim(tenant, "key", "nonce", soon));
  }
}

INSTANTIATE_TEST_SUITE_P(Stores, TwoTenants, ::testing::Values(Kind::kMemory, Kind::kPostgres),
                         [](const auto& instance) {
                           return instance.param == Kind::kMemory ? "Memory" : "Postgres";
                         });

}  // namespace
}  // namespace letterbox::storage::testing
