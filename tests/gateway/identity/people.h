// People with devices, put into a store as enrolment does it.
#pragma once

#include <map>
#include <string>

#include "crypto/hash.h"
#include "gateway/directory/enrolment.h"
#include "gateway/directory/token.h"
#include "gateway/identity/authentication.h"
#include "records/content_digest.h"
#include "records/http_signature.h"
#include "storage/store.h"

namespace letterbox::gateway {

inline constexpr const char* kPublicUrl = "https://letterbox.hospital.example";

struct TestDevice {
  crypto::X25519Identity identity = crypto::X25519Identity::generate();
  crypto::SigningKey key = crypto::SigningKey::generate();
  records::Handle handle;
  std::optional<records::Time> not_before = {};

  explicit TestDevice(const char* text) : handle(*records::Handle::parse(text)) {}

  records::Envelope record() const {
    return records::sign_device_record(
        {handle, identity.recipient(), key.verify_key(), records::now(), not_before}, key);
  }
  Digest hash() const { return records::payload_hash(record_); }
  std::string key_id() const { return key.verify_key().fingerprint(); }

  std::optional<Enrolled> enrol(storage::Store& store, const crypto::VerifyKey& gateway,
                                storage::PrincipalKind kind = storage::PrincipalKind::kPerson) {
    const auto tenant = store.tenants().find(handle.tenant());
    const Digest token = Token::make().sha256();
    store.invitations().make(*tenant,
                             {token, handle.text(), kind, records::now() + std::chrono::hours{1}},
                             {.kind = storage::AuditKind::kAdministration});
    record_ = record();
    return gateway::enrol(store, gateway, token, record_, "192.0.2.1");
  }

  records::Envelope cosign(const TestDevice& other) const {
    return records::sign_cosignature({other.hash(), key.verify_key(), records::now()}, key);
  }
  records::Envelope revoke(const TestDevice& other) const {
    return records::sign_revocation(
        {other.hash(), records::RevokedBy::kDevice, key.verify_key(), records::now()}, key);
  }

  records::Envelope record_ = {};  ///< as it was enrolled
};

/// A request, signed or not, as the gateway is shown it.
struct TestRequest {
  std::string method = "GET";
  std::string target = "/v1/inbox";
  std::optional<std::string> body = {};
  std::map<std::string, std::string> fields = {};
  transport::Peer peer{.address = "192.0.2.7", .network = "192.0.2.7", .certificate = {}};

  TestRequest& sign(const crypto::SigningKey& key, records::Time created = records::now(),
                    const std::string& url = kPublicUrl,
                    const std::string& nonce = Uuid::v7().text()) {
    if (body) {
      fields["content-type"] = "application/json";
      fields["content-digest"] = records::content_digest(crypto::sha256(as_bytes(*body)));
    }
    const std::string uri = url + target;
    const auto signature = records::sign_request(
        {method, uri,
         [this](std::string_view name) {
           const auto found = fields.find(std::string(name));
           return found == fields.end() ? std::vector<std::string>{}
                                        : std::vector<std::string>{found->second};
         }},
        {.created = created, .nonce = nonce}, key);
    fields["signature-input"] = signature.signature_input;
    fields["signature"] = signature.signature;
    return *this;
  }

  Presented shown() const {
    return {.peer = peer,
            .method = method,
            .target = target,
            .has_body = body.has_value(),
            .field = [this](std::string_view name) -> std::optional<std::string> {
              const auto found = fields.find(std::string(name));
              if (found == fields.end()) return std::nullopt;
              return found->second;
            }};
  }
};

}  // namespace letterbox::gateway
