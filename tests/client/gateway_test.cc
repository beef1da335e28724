#include "client/gateway.h"

#include "tests/client/fixtures.h"

namespace letterbox::client {
namespace {

const std::string kToken = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLM-_01";

Gateway some_gateway() {
  return {"https://127.0.0.1:8443", "-----BEGIN CERTIFICATE-----\n",
          crypto::SigningKey::generate().verify_key()};
}

std::string invitation_text(const std::string& handle, const std::string& token) {
  return R"({"url":"https://x","ca_certificate":"x","handle":")" + handle + R"(","invitation":")" +
         token + R"(","signing_key":")" + some_gateway().signing_key.text() + "\"}";
}

TEST(TrustFile, ThatIsNotOneIsRefused) {
  const std::string key = some_gateway().signing_key.text();
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("{}"),
        std::string(R"({"url":"https://x","ca_certificate":"x","signing_key":"short"})"),
        R"({"url":1,"ca_certificate":"x","signing_key":")" + key + "\"}",
        R"({"url":"https://x","signing_key":")" + key + "\"}",
        R"({"url":"https://x","ca_certificate":"x","more":1,"signing_key":")" + key + "\"}"})
    EXPECT_EQ(thrown_by([&] { parse_gateway(text); }), ErrorCode::kMalformed) << text;
}

TEST(InvitationFile, IsATrustFileAndTwoMembersMore) {
  const Gateway gateway = some_gateway();
  const SecretBytes text = to_json(Invitation{
      gateway, *records::Handle::parse("ada@clinic.example"), SecretBytes(as_bytes(kToken))});
  const Invitation read = parse_invitation(text.reveal_text());
  EXPECT_EQ(read.gateway.url, gateway.url);
  EXPECT_EQ(read.gateway.ca_certificate, gateway.ca_certificate);
  EXPECT_EQ(read.gateway.signing_key, gateway.signing_key);
  EXPECT_EQ(read.handle.text(), "ada@clinic.example");
  EXPECT_EQ(read.token.reveal_text(), kToken);
}

TEST(InvitationFile, ThatIsNotOneIsRefusedAndItsTokenNotRepeated) {
  EXPECT_FALSE(thrown_by([&] { parse_invitation(invitation_text("ada@clinic.example", kToken)); }));
  for (const std::string& text :
       {std::string(), std::string("[]"), to_json(some_gateway()), invitation_text("ada", kToken),
        invitation_text("ada@clinic.example", kToken + "A"),
        invitation_text("ada@clinic.example", kToken.substr(1)),
        invitation_text("ada@clinic.example", kToken.substr(1) + "="),
        invitation_text("ada@clinic.example", kToken.substr(1) + "+")}) {
    try {
      parse_invitation(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kMalformed) << text;
      EXPECT_EQ(std::string(error.what()).find(kToken.substr(1, 20)), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace letterbox::client
