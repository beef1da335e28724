#include "client/home.h"

#include <sys/stat.h>

#include "records/cover_chain.h"
#include "tests/client/fixtures.h"

namespace letterbox::client {
namespace {

Gateway some_gateway() {
  return {"https://127.0.0.1:8443", "-----BEGIN CERTIFICATE-----\n",
          crypto::SigningKey::generate().verify_key()};
}

TEST(Home, IsMadePrivate) {
  const TemporaryDirectory place;
  const Home home(place / "a" / "b");
  for (const auto& directory : {home.directory(), home.known()}) {
    struct stat status {};
    ASSERT_EQ(::stat(directory.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0700U);
  }
}

TEST(Home, SaysWhatToDoWhereThingsAreMissing) {
  const TemporaryDirectory place;
  const Home home(place / "home");
  const auto message = [](auto action) {
    try {
      action();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(message([&] { home.device_record(); }).find("letterbox login"), std::string::npos);
  EXPECT_NE(message([&] { home.gateway(); }).find("letterbox connect"), std::string::npos);
  EXPECT_FALSE(home.has_device());
  EXPECT_FALSE(home.gateway_if_any());
  EXPECT_TRUE(home.covers({}).empty());
}

TEST(Home, RemembersTheGateway) {
  const TemporaryDirectory place;
  const Home home(place / "home");
  const Gateway gateway = some_gateway();
  home.remember(gateway);
  EXPECT_EQ(home.gateway().url, gateway.url);
  EXPECT_EQ(home.gateway().ca_certificate, gateway.ca_certificate);
  EXPECT_EQ(home.gateway().signing_key, gateway.signing_key);
}

TEST(Home, SaysWhetherReceiptsAreSent) {
  const TemporaryDirectory place;
  const Home home(place / "home");
  EXPECT_TRUE(home.sends_receipts());
  home.set_sends_receipts(false);
  home.set_sends_receipts(false);
  EXPECT_FALSE(Home(place / "home").sends_receipts());
  home.set_sends_receipts(true);
  EXPECT_TRUE(Home(place / "home").sends_receipts());
}

TEST(Home, RemembersCoversAndManifestsByTheCoversHash) {
  const TemporaryDirectory place;
  const Home home(place / "home");
  const Device ada("ada@clinic.example");
  const Device bob("bob@clinic.example");
  const auto cover = records::sign_cover(cover_from(ada, {&ada}), ada.key);
  const SealedFile file = seal(cover, pattern(10));
  const auto manifest = records::sign_manifest(manifest_of(cover, {file.entry}), ada.key);
  const auto shared = records::sign_cover(
      records::next_cover(cover, {{bob.handle, bob.identity.recipient(), std::nullopt}},
                          cover.cover.created),
      ada.key);
  const VerifiedDelivery delivery =
      verify_delivery({cover.cover.delivery, {cover.envelope, shared.envelope}, manifest},
                      {std::nullopt, {ada.record()}});
  home.remember(delivery);
  ASSERT_EQ(home.covers(cover.hash).size(), 1U);
  EXPECT_EQ(home.covers(cover.hash)[0].payload, cover.envelope.payload);
  // A later one comes with those before it, or not at all.
  const auto chain = home.covers(shared.hash);
  ASSERT_EQ(chain.size(), 2U);
  EXPECT_EQ(chain[0].payload, cover.envelope.payload);
  EXPECT_EQ(chain[1].payload, shared.envelope.payload);
  write_file(place / "covers", as_bytes(covers_text(delivery.chain, delivery.cover())));
  EXPECT_EQ(read_covers(place / "covers").size(), 2U);
  std::filesystem::remove(home.directory() / "covers" / (to_hex(cover.hash) + ".json"));
  EXPECT_TRUE(home.covers(shared.hash).empty());
  ASSERT_TRUE(home.manifest(cover.hash));
  EXPECT_EQ(home.manifest(cover.hash)->payload, manifest.payload);
}

}  // namespace
}  // namespace letterbox::client
