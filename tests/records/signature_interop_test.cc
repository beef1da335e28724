// Our signatures and those of the npm package http-message-signatures, both ways. `npm ci` in
// tests/vectors brings it; without it these tests fail.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "crypto/base64.h"
#include "records/content_digest.h"
#include "records/http_signature.h"
#include "tests/records/fixtures.h"
#include "tests/records/request.h"

namespace letterbox::records {
namespace {

using nlohmann::json;

constexpr const char* kNonce = "0189c2f4-6b1e-7d60-8f4e-3c5a7b9d1e2f";

/// What `peer.mjs verb` answers to `order`.
json ask_peer(const std::string& verb, const json& order) {
  std::string path = "/tmp/letterbox-signatures-XXXXXX";
  const int file = mkstemp(path.data());
  EXPECT_GE(file, 0);
  close(file);
  std::ofstream(path) << order;
  const std::string command =
      LETTERBOX_SIGNATURE_PEER " " + verb + " < " + path + " > " + path + ".answer";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;  // NOLINT(cert-env33-c)
  std::ifstream answer(path + ".answer");
  const std::string text{std::istreambuf_iterator<char>(answer), {}};
  unlink(path.c_str());
  unlink((path + ".answer").c_str());
  return json::parse(text, nullptr, /*allow_exceptions=*/false);
}

Request deposit() {
  Request request;
  request.fields["content-type"] = {"application/age"};
  request.fields["content-digest"] = {content_digest(crypto::sha256(as_bytes("hello")))};
  return request;
}

Request collection() {
  Request request;
  request.method = "GET";
  request.target_uri = "https://gateway.example:8443/v1/inbox?after=0&limit=%31";
  return request;
}

json as_json(const Request& request) {
  json headers = json::object();
  for (const auto& [name, lines] : request.fields) headers[name] = lines;
  return {{"method", request.method}, {"url", request.target_uri}, {"headers", headers}};
}

std::string base64(ByteView bytes) {
  return crypto::base64_encode(bytes, crypto::Padding::kRequired);
}

/// The peer signs as we do.
SignatureFields signed_by_peer(const Request& request, Time created) {
  json order = as_json(request);
  const auto begin = created.time_since_epoch().count();
  order["created"] = begin;
  order["expires"] = begin + kLongestLifetime.count();
  order["nonce"] = kNonce;
  order["keyid"] = signing_key().verify_key().fingerprint();
  order["seed"] = base64(signing_key().seed().reveal());
  order["components"] = {"@method", "@target-uri"};
  for (const char* name : {"content-type", "content-digest"}) {
    if (request.fields.contains(name)) order["components"].push_back(name);
  }
  const json headers = ask_peer("sign", order);
  return {.signature_input = headers.value("Signature-Input", ""),
          .signature = headers.value("Signature", "")};
}

TEST(SignatureInteropTest, TheyTakeWhatWeSign) {
  // The peer reads the clock itself.
  for (Request request : {deposit(), collection()}) {
    const auto fields =
        sign_request(request.view(), {.created = now(), .nonce = kNonce}, signing_key());
    request.fields["signature-input"] = {fields.signature_input};
    request.fields["signature"] = {fields.signature};
    json order = as_json(request);
    order["public_key"] = signing_key().verify_key().text();
    EXPECT_EQ(ask_peer("verify", order), json(true));
    // And they do look.
    order["method"] = "DELETE";
    EXPECT_EQ(ask_peer("verify", order), json(false));
  }
}

TEST(SignatureInteropTest, WeTakeWhatTheySign) {
  const Time created = time_of("2026-11-23T17:30:00Z");
  for (const Request& request : {deposit(), collection()}) {
    const auto fields = signed_by_peer(request, created);
    const auto signature = parse_request_signature(fields.signature_input, fields.signature);
    const bool has_body = request.method == "POST";
    EXPECT_EQ(find_fault(signature, has_body, created), std::nullopt);
    EXPECT_NO_THROW(verify_request(signature, request.view(), signing_key().verify_key()));
    Request other = request;
    other.method = "DELETE";
    EXPECT_EQ(
        thrown_by([&] { verify_request(signature, other.view(), signing_key().verify_key()); }),
        ErrorCode::kBadSignature);
  }
}

TEST(SignatureInteropTest, BothSignToTheSameBytes) {
  const Time created = time_of("2026-11-23T17:30:00Z");
  for (const Request& request : {deposit(), collection()}) {
    const auto theirs = signed_by_peer(request, created);
    const auto ours =
        sign_request(request.view(), {.created = created, .nonce = kNonce}, signing_key());
    EXPECT_EQ(ours.signature_input, theirs.signature_input);
    EXPECT_EQ(ours.signature, theirs.signature);
  }
}

}  // namespace
}  // namespace letterbox::records
