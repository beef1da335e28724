// The built program, as far as it goes without a gateway; and stock age as its peer.
#include <algorithm>

#include "client/gateway.h"
#include "client/home.h"
#include "client/key_file.h"
#include "client/new_keys.h"
#include "crypto/header.h"
#include "crypto/passphrase_file.h"
#include "tests/client/subprocess.h"

namespace letterbox::client {
namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class Command : public ::testing::Test {
 protected:
  Outcome letterbox(const std::vector<std::string>& arguments, ByteView input = {}) const {
    std::vector<std::string> command = {binary("letterbox"), "--home", (place / "home").string()};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run(command, input);
  }
  std::string path(const std::string& name) const { return (place / name).string(); }
  std::string home(const std::string& name) const {
    return (place.path() / "home" / name).string();
  }

  // An invitation by a gateway at port 1 of loopback, where nobody listens.
  void invited(const std::string& handle) const {
    const Invitation invitation{gateway_of(gateway_key), *records::Handle::parse(handle),
                                SecretBytes(as_bytes(std::string(43, 'x')))};
    write_file(place / "invitation.json", to_json(invitation).reveal());
  }
  // A home as login leaves it.
  DeviceKeys enrolled(const std::string& text) const {
    const Home home_of_ours(place / "home");
    const auto handle = *records::Handle::parse(text);
    DeviceKeys keys = make_keys(home_of_ours, handle, std::nullopt, true);
    const records::DeviceRecord record{handle, keys.identities[0].recipient(),
                                       keys.signing_key->verify_key(), records::now()};
    write_file(home_of_ours.device_record_file(),
               as_bytes(records::to_json(records::sign_device_record(record, *keys.signing_key))));
    return keys;
  }
  Gateway gateway_of(const crypto::SigningKey& key) const {
    if (!std::filesystem::exists(place / "ca.pem"))
      run({"openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", path("ca.key"),
           "-out", path("ca.pem"), "-subj", "/CN=test"});
    return {"https://127.0.0.1:1", std::string(as_text(read_file(place / "ca.pem"))),
            key.verify_key()};
  }

  const TemporaryDirectory place;
  const crypto::SigningKey gateway_key = crypto::SigningKey::generate();
};

// --- login, as far as it goes while the gateway is away

TEST_F(Command, LoginMakesABareKeyFileOnlyWhenTold) {
  invited("ada@clinic.example");
  const Outcome made = letterbox({"login", path("invitation.json"), "--no-passphrase"});
  ASSERT_EQ(made.exit, 7) << made.err;
  EXPECT_EQ(std::filesystem::status(home("key.txt")).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const auto record = records::verify_device_record(read_envelope(home("device.json")));
  EXPECT_EQ(record.handle.text(), "ada@clinic.example");
  EXPECT_FALSE(record.not_before);
  const DeviceKeys keys = read_key_file(home("key.txt"), std::nullopt);
  EXPECT_EQ(keys.signing_key->verify_key(), record.signing_key);
  EXPECT_EQ(keys.identities.at(0).recipient(), record.recipient);
}

TEST_F(Command, LoginSealsWithAPassphrase) {
  invited("ada@clinic.example");
  write_file(place / "passphrase", as_bytes("correct horse\n"));
  const Outcome made =
      letterbox({"login", path("invitation.json"), "--passphrase-file", path("passphrase")});
  ASSERT_EQ(made.exit, 7) << made.err;
  const Bytes file = read_file(home("key.age"));
  EXPECT_TRUE(as_text(file).starts_with("age-encryption.org/v1\n-> scrypt "));
  EXPECT_TRUE(read_key_file(home("key.age"), place / "passphrase").signing_key);
}

TEST_F(Command, LoginGoesOnWithTheKeysOfAnEarlierAttempt) {
  invited("ada@clinic.example");
  ASSERT_EQ(letterbox({"login", path("invitation.json"), "--no-passphrase"}).exit, 7);
  const Bytes before = read_file(home("key.txt"));
  ASSERT_EQ(letterbox({"login", path("invitation.json")}).exit, 7);
  EXPECT_EQ(read_file(home("key.txt")), before);
  EXPECT_FALSE(std::filesystem::exists(home("key.age")));

  // Somebody else's invitation has no use for them.
  invited("eve@clinic.example");
  EXPECT_EQ(letterbox({"login", path("invitation.json")}).exit, 1);
  EXPECT_EQ(read_file(home("key.txt")), before);
}

TEST_F(Command, LoginForAReplacementSignsThatItWaits) {
  invited("ada@clinic.example");
  const auto before = records::now();
  ASSERT_EQ(letterbox({"login", path("invitation.json"), "--no-passphrase", "--replace"}).exit, 7);
  const auto record = records::verify_device_record(read_envelope(home("device.json")));
  ASSERT_TRUE(record.not_before);
  EXPECT_GE(*record.not_before, before + std::chrono::hours(24) + std::chrono::minutes(5));
  EXPECT_EQ(*record.not_before - record.created, std::chrono::hours(24) + std::chrono::minutes(5));
}

TEST_F(Command, LoginTakesTheInvitationFromStandardInput) {
  invited("ada@clinic.example");
  const Outcome made =
      letterbox({"login", "-", "--no-passphrase"}, read_file(place / "invitation.json"));
  EXPECT_EQ(made.exit, 7) << made.err;
  EXPECT_TRUE(std::filesystem::exists(home("key.txt")));
}

TEST_F(Command, LoginWithoutAnInvitationMakesNothing) {
  write_file(place / "invitation.json", as_bytes("{}"));
  EXPECT_EQ(letterbox({"login", path("invitation.json"), "--no-passphrase"}).exit, 5);
  EXPECT_FALSE(std::filesystem::exists(home("key.txt")));
}

TEST_F(Command, StockAgeOpensWhatIsSealedForADevice) {
  const DeviceKeys keys = enrolled("ada@clinic.example");
  const Device sender("bob@clinic.example");
  auto cover = cover_from(sender, {&sender});
  cover.recipients[0].recipient = keys.identities[0].recipient();
  write_file(place / "file.age",
             seal(records::sign_cover(cover, sender.key), pattern(70'000)).age_file);
  const Outcome opened = run({"age", "--decrypt", "--identity", home("key.txt"), path("file.age")});
  ASSERT_EQ(opened.exit, 0) << opened.err;
  EXPECT_EQ(opened.out, pattern(70'000));
}

// --- The command line

TEST_F(Command, MisuseIsTwoAndOneLine) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{},
        {"frobnicate"},
        {"send"},
        {"send", "x"},
        {"get"},
        {"get", "not-an-id"},
        {"login"},
        {"trust", "nobody"},
        {"device"},
        {"delete", "not-an-id"},
        {"device", "invite"},
        {"send", "x", "--to", "nobody"},
        {"send", "x", "--to", "a@b", "--expires", "soon"},
        {"open", "file-without-suffix"}}) {
    const Outcome outcome = letterbox(arguments);
    EXPECT_EQ(outcome.exit, 2) << outcome.err;
    EXPECT_TRUE(outcome.err.starts_with("letterbox: ")) << outcome.err;
    EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1) << outcome.err;
    EXPECT_TRUE(outcome.out.empty());
  }
}

TEST_F(Command, ErrorsAreJsonWhenAsked) {
  const Outcome outcome = letterbox({"--json", "list"});
  EXPECT_EQ(outcome.exit, 1);
  EXPECT_TRUE(outcome.err.starts_with("{\"error\":{\"code\":\"File\",\"exit\":1")) << outcome.err;
}

TEST_F(Command, AGatewayThatIsNotThereIsANetworkError) {
  enrolled("ada@clinic.example");
  const std::string trust = to_json(gateway_of(gateway_key));
  write_file(place / "gateway.json", as_bytes(trust));
  ASSERT_EQ(letterbox({"connect", path("gateway.json")}).exit, 0);
  const Outcome outcome = letterbox({"list"});
  EXPECT_EQ(outcome.exit, 7);
  EXPECT_TRUE(contains(outcome.err, "127.0.0.1:1")) << outcome.err;

  // Another signing key is another gateway: not taken over in passing.
  const std::string other = to_json(gateway_of(crypto::SigningKey::generate()));
  write_file(place / "other.json", as_bytes(other));
  EXPECT_EQ(letterbox({"connect", path("other.json")}).exit, 1);
  EXPECT_EQ(letterbox({"connect", path("other.json"), "--replace"}).exit, 0);
}

TEST_F(Command, RecipientsAreAddedListedAndRemoved) {
  const Device bob("bob@clinic.example");
  write_file(place / "bob.json", as_bytes(records::to_json(bob.envelope())));
  const Outcome added = letterbox({"recipient", "add", path("bob.json")});
  EXPECT_EQ(added.exit, 0) << added.err;
  const std::string fingerprint = bob.key.verify_key().fingerprint();
  EXPECT_TRUE(contains(std::string(as_text(added.out)), fingerprint));
  EXPECT_TRUE(contains(std::string(as_text(letterbox({"recipient", "list"}).out)), fingerprint));
  EXPECT_EQ(letterbox({"recipient", "remove", "bob@clinic.example"}).exit, 0);
  EXPECT_EQ(letterbox({"recipient", "remove", "bob@clinic.example"}).exit, 3);
  EXPECT_TRUE(letterbox({"recipient", "list"}).out.empty());

  auto forged = bob.envelope();
  forged.signature[5] ^= 1;
  write_file(place / "forged.json", as_bytes(records::to_json(forged)));
  EXPECT_EQ(letterbox({"recipient", "add", path("forged.json")}).exit, 5);
  EXPECT_EQ(letterbox({"recipient", "add", path("missing.json")}).exit, 1);
}

// --- open

class Open : public Command {
 protected:
  void SetUp() override {
    keys = enrolled("ada@clinic.example");
    know(sender);
    auto draft = cover_from(sender, {&sender, &sender});
    draft.recipients[0].recipient = keys.identities[0].recipient();
    cover.emplace(records::sign_cover(draft, sender.key));
    write_file(place / "file.age", seal(*cover, plaintext).age_file);
    write_file(place / "file.age.cover.json", as_bytes(records::to_json(cover->envelope)));
  }
  void know(const Device& device) const {
    write_file(place / "record.json", as_bytes(records::to_json(device.envelope())));
    ASSERT_EQ(letterbox({"recipient", "add", path("record.json")}).exit, 0);
  }
  void expect_refused(int code, const std::string& check) const {
    for (const std::string& output : {path("out"), std::string("-")}) {
      const Outcome outcome = letterbox({"open", path("file.age"), "-o", output});
      EXPECT_EQ(outcome.exit, code) << outcome.err;
      EXPECT_TRUE(contains(outcome.err, check)) << outcome.err;
      EXPECT_TRUE(outcome.out.empty());
      EXPECT_FALSE(std::filesystem::exists(path("out")));
    }
  }
  Bytes sealed() const { return read_file(place / "file.age"); }
  crypto::Header header() const {
    const Bytes file = sealed();
    ViewSource source(file);
    Bytes rest;
    return crypto::read_header(source, rest);
  }

  const Device sender{"bob@clinic.example"};
  const Bytes plaintext = pattern(200'000);
  DeviceKeys keys;
  std::optional<records::SignedCover> cover;
};

TEST_F(Open, VerifiesWithTheCoverBesideTheFile) {
  const Outcome outcome = letterbox({"open", path("file.age")});
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(read_file(place / "file.bin"), plaintext);
  EXPECT_TRUE(contains(outcome.err, "verified: from bob@clinic.example")) << outcome.err;
  EXPECT_FALSE(contains(outcome.err, "unverified"));
}

TEST_F(Open, TakesTheCoverFromWhereItIsTold) {
  std::filesystem::rename(path("file.age.cover.json"), path("cover"));
  const Outcome outcome = letterbox({"open", "-", "--cover", path("cover"), "--json"}, sealed());
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(outcome.out, plaintext);
  EXPECT_TRUE(contains(outcome.err, "\"verified\":true")) << outcome.err;
}

TEST_F(Open, TakesACoverThatWasSeenBefore) {
  std::filesystem::rename(path("file.age.cover.json"),
                          home("covers/" + to_hex(cover->hash) + ".json"));
  EXPECT_EQ(letterbox({"open", path("file.age"), "-o", path("out")}).exit, 0);
  EXPECT_EQ(read_file(place / "out"), plaintext);
}

TEST_F(Open, WithoutTheCoverIsRefused) {
  std::filesystem::remove(path("file.age.cover.json"));
  expect_refused(5, "--cover");
}

TEST_F(Open, UnderACoverOfAnUnknownSenderIsRefused) {
  ASSERT_EQ(letterbox({"recipient", "remove", "bob@clinic.example"}).exit, 0);
  expect_refused(5, "cover signer");
}

TEST_F(Open, WithAnotherCoverIsRefused) {
  auto other = cover_from(sender, {&sender});
  other.recipients[0].recipient = keys.identities[0].recipient();
  write_file(place / "file.age.cover.json",
             as_bytes(records::to_json(records::sign_cover(other, sender.key).envelope)));
  expect_refused(5, "header names the cover");
}

TEST_F(Open, OfAFileForOthersMeansThatNoKeyFits) {
  const auto others = records::sign_cover(cover_from(sender, {&sender}), sender.key);
  write_file(place / "file.age", seal(others, plaintext).age_file);
  write_file(place / "file.age.cover.json", as_bytes(records::to_json(others.envelope)));
  expect_refused(6, "cover lists this device");
}

TEST_F(Open, OfAFlippedByteIsRefused) {
  const Bytes honest = sealed();
  for (const std::size_t place_of_flip :
       {std::size_t{0}, std::size_t{30}, header().bytes.size() - 2, header().bytes.size(),
        honest.size() - 1}) {
    Bytes file = honest;
    file[place_of_flip] ^= 1;
    write_file(place / "file.age", file);
    expect_refused(5, "refused");
  }
}

TEST_F(Open, OfAnAddedStanzaIsRefused) {
  const Device stranger("eve@elsewhere.example");
  const auto file_key = crypto::unwrap(header(), keys.identities);
  const Bytes honest = sealed();
  const auto payload = honest.begin() + static_cast<long>(header().bytes.size());
  for (const crypto::Stanza& extra :
       {stranger.identity.recipient().wrap(file_key, Secret<32>()),
        crypto::Stanza{{"ssh-ed25519", "AAAAAA", std::string(43, 'A')}, pattern(32)}}) {
    auto stanzas = header().stanzas;
    stanzas.push_back(extra);
    Bytes file = crypto::format_header(file_key, stanzas);
    file.insert(file.end(), payload, honest.end());
    write_file(place / "file.age", file);
    expect_refused(5, "header rebuilt");
    write_file(place / "file.age", honest);
  }
}

TEST_F(Open, OfOurStanzaReplacedByAStrangersIsRefused) {
  const Device stranger("eve@elsewhere.example");
  const auto file_key = crypto::unwrap(header(), keys.identities);
  const Bytes honest = sealed();
  auto stanzas = header().stanzas;
  stanzas[1] = stranger.identity.recipient().wrap(file_key, Secret<32>());
  Bytes file = crypto::format_header(file_key, stanzas);
  file.insert(file.end(), honest.begin() + static_cast<long>(header().bytes.size()), honest.end());
  write_file(place / "file.age", file);
  expect_refused(5, "file key");
}

TEST_F(Open, OfACoverStanzaOutOfPlaceIsNotTakenForAStockFile) {
  const auto file_key = crypto::unwrap(header(), keys.identities);
  const Bytes honest = sealed();
  auto stanzas = header().stanzas;
  std::rotate(stanzas.begin(), stanzas.begin() + 1, stanzas.end());
  Bytes file = crypto::format_header(file_key, stanzas);
  file.insert(file.end(), honest.begin() + static_cast<long>(header().bytes.size()), honest.end());
  write_file(place / "file.age", file);
  expect_refused(5, "header names the cover");
}

TEST_F(Open, OfWhatIsNoAgeFileIsRefused) {
  write_file(place / "file.age", plaintext);
  expect_refused(5, "header format");
  write_file(place / "file.age", {});
  expect_refused(5, "header format");
}

TEST_F(Open, OfWhatStockAgeSealedIsMarkedUnverified) {
  write_file(place / "plain", plaintext);
  const std::string recipient = keys.identities[0].recipient().text();
  for (const std::vector<std::string>& armor : {std::vector<std::string>{}, {"--armor"}}) {
    std::vector<std::string> command = {"age", "--recipient", recipient};
    command.insert(command.end(), armor.begin(), armor.end());
    command.push_back(path("plain"));
    const Outcome age = run(command);
    ASSERT_EQ(age.exit, 0) << age.err;
    const Outcome opened = letterbox({"open", "-"}, age.out);
    EXPECT_EQ(opened.exit, 0) << opened.err;
    EXPECT_EQ(opened.out, plaintext);
    EXPECT_TRUE(contains(opened.err, "unverified")) << opened.err;

    const Bytes cut(age.out.begin(), age.out.end() - 40'000);
    const Outcome refused = letterbox({"open", "-"}, cut);
    EXPECT_EQ(refused.exit, 5) << refused.err;
    EXPECT_TRUE(refused.out.empty());
  }
}

TEST_F(Open, OfStockAgesFileForSomebodyElseMeansThatNoKeyFits) {
  const Device stranger("eve@elsewhere.example");
  const Outcome age = run({"age", "--recipient", stranger.identity.recipient().text()}, plaintext);
  ASSERT_EQ(age.exit, 0) << age.err;
  EXPECT_EQ(letterbox({"open", "-"}, age.out).exit, 6);

  write_file(place / "strangers-key", stranger.identity.text().reveal());
  const Outcome opened = letterbox({"open", "-", "--identity", path("strangers-key")}, age.out);
  EXPECT_EQ(opened.exit, 0) << opened.err;
  EXPECT_EQ(opened.out, plaintext);
}

TEST_F(Open, OfAPassphraseFileTakesThePassphrase) {
  write_file(place / "right", as_bytes("right"));
  write_file(place / "wrong", as_bytes("wrong"));
  const Bytes file = crypto::seal_with_passphrase(SecretBytes(as_bytes("content")),
                                                  SecretBytes(as_bytes("right")), 8);
  const Outcome opened = letterbox({"open", "-", "--passphrase-file", path("right")}, file);
  EXPECT_EQ(opened.exit, 0) << opened.err;
  EXPECT_EQ(as_text(opened.out), "content");
  EXPECT_TRUE(contains(opened.err, "unverified"));
  EXPECT_EQ(letterbox({"open", "-", "--passphrase-file", path("wrong")}, file).exit, 6);
}

TEST_F(Open, NeverOverwritesUnlessToldTo) {
  write_file(place / "out", as_bytes("before"));
  EXPECT_EQ(letterbox({"open", path("file.age"), "-o", path("out")}).exit, 1);
  EXPECT_EQ(as_text(read_file(place / "out")), "before");
  EXPECT_EQ(letterbox({"open", path("file.age"), "-o", path("out"), "--force"}).exit, 0);
  EXPECT_EQ(read_file(place / "out"), plaintext);
}

}  // namespace
}  // namespace letterbox::client
