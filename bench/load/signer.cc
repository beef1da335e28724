#include "bench/load/signer.h"

#include <fstream>
#include <stdexcept>
#include <utility>

#include "base/secret.h"
#include "base/uuid.h"
#include "crypto/hash.h"
#include "records/content_digest.h"
#include "records/http_signature.h"

namespace letterbox::load {

namespace {

Secret<32> read_seed(const std::string& file) {
  Secret<32> seed;
  std::ifstream in(file, std::ios::binary);
  for (Byte& byte : seed.reveal()) byte = static_cast<Byte>(in.get());
  if (!in) throw std::runtime_error("can't read a seed from " + file);
  return seed;
}

}  // namespace

Signer::Signer(const std::string& seed_file, std::string url)
    : key_(read_seed(seed_file)), url_(std::move(url)) {}

std::string Signer::fields(const Request& request) const {
  if (request.body_zeros != 0) throw std::runtime_error("a body of zeros isn't signed");
  const std::string digest =
      request.body.empty() ? "" : records::content_digest(crypto::sha256(as_bytes(request.body)));
  const std::string uri = url_ + request.target;
  const auto lines = [&](std::string_view name) -> std::vector<std::string> {
    if (name == "content-digest" && !digest.empty()) return {digest};
    const auto found = request.fields.find(name);
    return found == request.fields.end() ? std::vector<std::string>{} : std::vector{found->second};
  };
  const records::SignatureFields signature =
      records::sign_request({.method = request.method, .target_uri = uri, .field_lines = lines},
                            {.created = records::now(), .nonce = Uuid::v7().text()}, key_);
  std::string fields = "signature-input: " + signature.signature_input +
                       "\r\nsignature: " + signature.signature + "\r\n";
  if (!digest.empty()) fields += "content-digest: " + digest + "\r\n";
  return fields;
}

}  // namespace letterbox::load
