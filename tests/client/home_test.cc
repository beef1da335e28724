#include "client/home.h"

#include <sys/stat.h>

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
  EXPECT_FALSE(home.cover({}));
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

TEST(Home, RemembersCoversAndManifestsByTheCoversHash) {
  const TemporaryDirectory place;
  const Home home(place / "home");
  const Device ada("ada@clinic.example");
  const auto cover = records::sign_cover(cover_from(ada, {&ada}), ada.key);
  const SealedFile file = seal(cover, pattern(10));
  const auto manifest = records::sign_manifest(manifest_of(cover, {file.entry}), ada.key);
  home.remember(verify_cover(cover.envelope, {std::nullopt, {ada.record()}}), manifest);
  ASSERT_TRUE(home.cover(cover.hash));
  EXPECT_EQ(home.cover(cover.hash)->payload, cover.envelope.payload);
  ASSERT_TRUE(home.manifest(cover.hash));
  EXPECT_EQ(home.manifest(cover.hash)->payload, manifest.payload);
}

}  // namespace
}  // namespace letterbox::client
