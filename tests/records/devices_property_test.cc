// What holds for every set of records, tried on random ones.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <tuple>

#include "tests/records/people.h"

namespace letterbox::records {
namespace {

using std::chrono::hours;

constexpr int kRounds = 3000;
constexpr const char* kAda = "ada@clinic.example";

/// Everything that a few devices can say about each other, signed once: records, and what each says
/// of each. Two of Ada's have keys in common.
class DevicesPropertyTest : public testing::Test {
 protected:
  DevicesPropertyTest() {
    const auto shared = crypto::X25519Identity::generate().recipient();
    for (int i = 0; i < 2; ++i) adas.emplace_back();
    for (int i = 1; i < 3; ++i) adas.emplace_back(kAda, kStart + hours(24 * i));
    adas.emplace_back(crypto::SigningKey::generate(), shared);
    adas.emplace_back(crypto::SigningKey::generate(), shared, kAda, kStart + hours(30));
    adas.emplace_back(same_key(adas.front().key), shared);
    strangers.emplace_back("bob@clinic.example");
    strangers.emplace_back("bob@clinic.example", kStart + hours(24));
    for (const Somebody& one : adas) {
      keep(own, one.envelope);
      keep(own, gateway.revokes(one, RevokedBy::kGateway));
      for (const Somebody& other : adas) {
        keep(own, one.cosigns(other));
        keep(own, one.revokes(other));
      }
    }
    for (const Somebody& stranger : strangers) {
      keep(foreign, stranger.envelope);
      keep(foreign, gateway.revokes(stranger, RevokedBy::kGateway));
      for (const Somebody& ada : adas) {
        keep(foreign, stranger.cosigns(ada));
        keep(foreign, stranger.revokes(ada));
        keep(foreign, stranger.revokes(ada, RevokedBy::kGateway));
        keep(foreign, ada.cosigns(stranger));
        keep(foreign, ada.revokes(ada, RevokedBy::kGateway));
      }
    }
  }

  static void keep(std::vector<AcceptedRecord>& records, const Envelope& envelope) {
    records.push_back(verify_accepted(envelope, 0, kStart));
  }

  std::size_t below(std::size_t end) { return random() % end; }

  /// Up to forty of `from`, an hour or a few after another; device records come more often than
  /// their share.
  std::vector<AcceptedRecord> random_records(const std::vector<AcceptedRecord>& from) {
    std::vector<AcceptedRecord> records;
    Time clock = kStart;
    for (std::size_t i = below(40); i > 0; --i) {
      AcceptedRecord record = from[below(from.size())];
      if (below(3) == 0) record = record_of(adas[below(adas.size())]);
      clock += hours(below(6));
      record.position = 10 * (records.size() + 1);
      record.accepted = clock;
      records.push_back(record);
    }
    return records;
  }

  static AcceptedRecord record_of(const Somebody& who) { return {who.hash, who.record, 0, kStart}; }

  std::vector<Device> devices(const std::vector<AcceptedRecord>& records, Time at) const {
    return devices_of(handle(kAda), records, gateway.key.verify_key(), at);
  }

  /// Device by device, what can be compared.
  static auto outcome(const std::vector<Device>& devices) {
    std::map<Digest, std::tuple<DeviceState, Entrance, std::optional<Digest>, std::optional<Time>>>
        outcome;
    for (const Device& device : devices) {
      outcome.emplace(device.hash, std::tuple(device.state, device.entrance, device.voucher,
                                              device.waits_until));
    }
    return outcome;
  }

  std::mt19937 random{4};  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same each time
  Somebody gateway{"gateway@clinic.example"};
  std::vector<Somebody> adas;
  std::vector<Somebody> strangers;
  std::vector<AcceptedRecord> own;
  std::vector<AcceptedRecord> foreign;
};

TEST_F(DevicesPropertyTest, TheOrderInWhichRecordsAreGivenDoesNotMatter) {
  for (int round = 0; round < kRounds; ++round) {
    const auto records = random_records(own);
    const Time at = kStart + hours(below(80));
    auto shuffled = records;
    std::ranges::shuffle(shuffled, random);
    ASSERT_EQ(outcome(devices(shuffled, at)), outcome(devices(records, at)));
  }
}

TEST_F(DevicesPropertyTest, AStrangersRecordChangesNothing) {
  for (int round = 0; round < kRounds; ++round) {
    const auto records = random_records(own);
    const Time at = kStart + hours(below(80));
    auto more = records;
    for (std::size_t i = 1 + below(5); i > 0; --i) {
      AcceptedRecord stranger = foreign[below(foreign.size())];
      // Right behind one of Ada's, at its time or on the way to the next one's.
      const std::size_t behind = below(records.size() + 1);
      stranger.position = 10 * behind + 1 + below(9);
      stranger.accepted = behind == 0 ? kStart : records[behind - 1].accepted;
      more.push_back(stranger);
    }
    ASSERT_EQ(outcome(devices(more, at)), outcome(devices(records, at)));
  }
}

TEST_F(DevicesPropertyTest, OneOfAnotherHandleWhoUsesAdasKeysChangesNothing) {
  for (int round = 0; round < kRounds / 10; ++round) {
    const auto records = random_records(own);
    const Time at = kStart + hours(below(80));
    const Somebody& ada = adas[below(adas.size())];
    const Somebody mallory(same_key(ada.key), ada.record.recipient, "mallory@clinic.example");
    auto more = records;
    more.push_back(verify_accepted(mallory.envelope, below(400), kStart));
    ASSERT_EQ(outcome(devices(more, at)), outcome(devices(records, at)));
  }
}

TEST_F(DevicesPropertyTest, OnceRevokedNeverActiveAgain) {
  std::size_t held = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::set<Digest> revoked;
    std::vector<AcceptedRecord> so_far;
    for (const AcceptedRecord& record : random_records(own)) {
      so_far.push_back(record);
      std::size_t still = 0;
      for (const Device& device : devices(so_far, record.accepted + hours(below(80)))) {
        if (device.state == DeviceState::kRevoked) still += revoked.count(device.hash);
      }
      ASSERT_EQ(still, revoked.size());
      held += still;
      for (const Device& device : devices(so_far, record.accepted)) {
        if (device.state == DeviceState::kRevoked) revoked.insert(device.hash);
      }
    }
  }
  EXPECT_GT(held, std::size_t{kRounds});
}

TEST_F(DevicesPropertyTest, AnActiveDeviceIsVouchedForByAChainOrWaited) {
  int chains = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto all = devices(random_records(own), kStart + hours(below(80)));
    std::map<Digest, const Device*> by_hash;
    for (const Device& device : all) by_hash[device.hash] = &device;
    EXPECT_LE(std::ranges::count(all, Entrance::kFirst, &Device::entrance), 1);
    for (const Device& device : all) {
      if (device.state != DeviceState::kActive) continue;
      const Device* at = &device;
      for (std::size_t steps = 0; at->entrance == Entrance::kCosigned; ++steps) {
        ASSERT_LT(steps, all.size()) << "a circle";
        at = by_hash.at(at->voucher.value());
        ++chains;
      }
      ASSERT_NE(at->entrance, Entrance::kNone);
      ASSERT_EQ(at->entrance == Entrance::kReplacement, at->record.not_before.has_value());
    }
  }
  EXPECT_GT(chains, kRounds / 10);
}

TEST_F(DevicesPropertyTest, ActiveDevicesShareNoKey) {
  for (int round = 0; round < kRounds; ++round) {
    const auto all = devices(random_records(own), kStart + hours(below(80)));
    std::set<crypto::VerifyKey> signing_keys;
    std::set<crypto::X25519Recipient> age_keys;
    for (const Device& device : all) {
      if (device.state != DeviceState::kActive) continue;
      ASSERT_TRUE(signing_keys.insert(device.record.signing_key).second);
      ASSERT_TRUE(age_keys.insert(device.record.recipient).second);
    }
  }
}

}  // namespace
}  // namespace letterbox::records
