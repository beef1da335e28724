#include "client/key_file.h"

#include <algorithm>

#include "crypto/passphrase_file.h"
#include "tests/client/fixtures.h"

namespace letterbox::client {
namespace {

const char* const kIdentity =
    "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";

SecretBytes made(const Device& device) {
  return format_key_file(device.identity, device.key, device.handle,
                         *records::parse_time(Device::kCreated));
}

TEST(KeyFile, HoldsBothKeysAndIsReadBack) {
  const Device device("ada@clinic.example");
  const SecretBytes file = made(device);
  const DeviceKeys keys = parse_key_file(file.reveal_text());
  ASSERT_EQ(keys.identities.size(), 1U);
  EXPECT_EQ(keys.identities[0].recipient(), device.identity.recipient());
  ASSERT_TRUE(keys.signing_key);
  EXPECT_EQ(keys.signing_key->verify_key(), device.key.verify_key());
}

TEST(KeyFile, SaysWhoseItIsInComments) {
  const Device device("ada@clinic.example");
  const SecretBytes file = made(device);
  const std::string text(file.reveal_text());
  for (const std::string& line : {std::string("# created: 2026-11-23T17:30:00Z\n"),
                                  std::string("# handle: ada@clinic.example\n"),
                                  "# recipient: " + device.identity.recipient().text() + "\n",
                                  std::string("# letterbox-signing-seed: ")})
    EXPECT_NE(text.find(line), std::string::npos) << line;
}

TEST(KeyFile, OfAgeKeygenHasNoSigningKey) {
  const std::string text =
      "# created: 2026-01-01T00:00:00+01:00\n\n" + std::string(kIdentity) + "\r\n" + kIdentity;
  const DeviceKeys keys = parse_key_file(text);
  EXPECT_EQ(keys.identities.size(), 2U);
  EXPECT_FALSE(keys.signing_key);
}

TEST(KeyFile, ThatIsNotOneIsRefusedWithoutQuotingIt) {
  const std::string seed = "# letterbox-signing-seed: ";
  const std::string good_seed = seed + std::string(43, 'A') + "=\n";
  const std::string identity = std::string(kIdentity) + "\n";
  for (const std::string& text :
       {std::string(), std::string("# only a comment\n"), std::string("secret\n"),
        identity + "AGE-PLUGIN-X-1", seed + "AAAA\n" + identity,
        seed + std::string(43, 'A') + "\n" + identity, good_seed + good_seed + identity,
        " " + identity, std::string("ssh-ed25519 AAAA\n") + identity}) {
    try {
      parse_key_file(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kMalformed);
      EXPECT_EQ(std::string(error.what()).find("secret\n"), std::string::npos);
      EXPECT_EQ(std::string(error.what()).find("AAAA"), std::string::npos);
    }
  }
}

TEST(KeyFile, OnDiskOpensWithItsPassphraseAndNoOther) {
  const TemporaryDirectory place;
  const Device device("ada@clinic.example");
  const Bytes sealed =
      crypto::seal_with_passphrase(made(device), SecretBytes(as_bytes("right")), /*work_factor=*/8);
  write_file(place / "key.age", sealed);
  write_file(place / "right", as_bytes("right\nsecond line\n"));
  write_file(place / "wrong", as_bytes("wrong\n"));
  write_file(place / "empty", as_bytes("\n"));
  const auto read = [&](const std::string& passphrase) {
    return read_key_file(place / "key.age", place / passphrase);
  };
  EXPECT_EQ(read("right").identities[0].recipient(), device.identity.recipient());
  EXPECT_EQ(thrown_by([&] { read("wrong"); }), ErrorCode::kWrongPassphrase);
  EXPECT_EQ(thrown_by([&] { read("empty"); }), ErrorCode::kUsage);
  EXPECT_EQ(thrown_by([&] { read("missing"); }), ErrorCode::kFile);
}

TEST(KeyFile, BareOnDiskNeedsNoPassphrase) {
  const TemporaryDirectory place;
  const Device device("ada@clinic.example");
  write_file(place / "key.txt", made(device).reveal());
  EXPECT_EQ(read_key_file(place / "key.txt", std::nullopt).identities.size(), 1U);
  EXPECT_EQ(thrown_by([&] { read_key_file(place / "none", std::nullopt); }), ErrorCode::kFile);
}

}  // namespace
}  // namespace letterbox::client
