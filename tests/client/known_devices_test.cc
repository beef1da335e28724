#include "client/known_devices.h"

#include "tests/client/fixtures.h"

namespace letterbox::client {
namespace {

TEST(KnownDevices, AreRememberedAndForgotten) {
  const TemporaryDirectory place;
  const Device bob("bob@clinic.example");
  const Device bobs_other("bob@clinic.example");
  const Device ada("ada@clinic.example");
  {
    KnownDevices known(place.path());
    for (const Device* device : {&bob, &bobs_other, &ada}) known.add(device->envelope());
  }
  KnownDevices known(place.path());
  EXPECT_EQ(known.all().size(), 3U);
  EXPECT_EQ(known.all().front().handle, ada.handle);
  ASSERT_NE(known.find(bob.identity.recipient()), nullptr);
  EXPECT_EQ(known.find(bob.identity.recipient())->signing_key, bob.key.verify_key());

  EXPECT_EQ(known.remove("nobody@clinic.example"), 0U);
  EXPECT_EQ(known.remove(bob.identity.recipient().text()), 1U);
  EXPECT_EQ(known.remove("bob@clinic.example"), 1U);
  EXPECT_EQ(KnownDevices(place.path()).all().size(), 1U);
}

TEST(KnownDevices, TakeTheSameRecordAgain) {
  const TemporaryDirectory place;
  const Device bob("bob@clinic.example");
  KnownDevices known(place.path());
  known.add(bob.envelope());
  known.add(bob.envelope());
  EXPECT_EQ(known.all().size(), 1U);
}

TEST(KnownDevices, RefuseARecordThatItsKeyDidNotSign) {
  const TemporaryDirectory place;
  KnownDevices known(place.path());
  const Device bob("bob@clinic.example");
  auto changed = bob.envelope();
  changed.signature[0] ^= 1;
  EXPECT_EQ(thrown_by([&] { known.add(changed); }), ErrorCode::kBadSignature);
  EXPECT_TRUE(place.names().empty());
}

TEST(KnownDevices, RefuseAKnownAgeKeyForSomebodyElse) {
  const TemporaryDirectory place;
  KnownDevices known(place.path());
  const Device bob("bob@clinic.example");
  known.add(bob.envelope());
  const Device eve("eve@elsewhere.example");
  auto stolen = bob.record();
  stolen.handle = eve.handle;
  stolen.signing_key = eve.key.verify_key();
  EXPECT_EQ(thrown_by([&] { known.add(records::sign_device_record(stolen, eve.key)); }),
            ErrorCode::kConflict);
  EXPECT_EQ(known.find(bob.identity.recipient())->handle, bob.handle);
}

TEST(KnownDevices, KeepThoseSeenRevokedApartForGood) {
  const TemporaryDirectory place;
  const Device bob("bob@clinic.example");
  {
    KnownDevices known(place.path());
    known.add(bob.envelope());
    EXPECT_TRUE(known.retire(bob.identity.recipient()));
    EXPECT_FALSE(known.retire(bob.identity.recipient()));
    EXPECT_EQ(known.revoked().size(), 1U);
  }
  KnownDevices known(place.path());
  EXPECT_TRUE(known.all().empty());
  ASSERT_EQ(known.revoked().size(), 1U);
  EXPECT_EQ(known.revoked().front().signing_key, bob.key.verify_key());
  EXPECT_EQ(thrown_by([&] { known.add(bob.envelope()); }), ErrorCode::kConflict);
  EXPECT_EQ(known.remove("bob@clinic.example"), 0U);
  EXPECT_EQ(KnownDevices(place.path()).revoked().size(), 1U);
}

TEST(KnownDevices, SayWhichFileIsBroken) {
  const TemporaryDirectory place;
  write_file(place / "age1broken.json", as_bytes("{}"));
  try {
    KnownDevices known(place.path());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kMalformed);
    EXPECT_NE(std::string(error.what()).find("age1broken.json"), std::string::npos);
  }
}

}  // namespace
}  // namespace letterbox::client
