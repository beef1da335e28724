#include "client/gateway.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "client/files.h"

namespace letterbox::client {
namespace {

using nlohmann::json;

constexpr std::size_t kTokenSize = 43;
constexpr std::size_t kMaxTrustFile = 1024 * 1024;

// An object of exactly so many strings. `what` names the file in messages.
class TrustFile {
 public:
  TrustFile(std::string_view text, const char* what, std::size_t members)
      : object_(json::parse(text, nullptr, false)), what_(what) {
    if (!object_.is_object() || object_.size() != members) refuse("its members");
  }
  // One of them may be a secret.
  ~TrustFile() {
    for (json& value : object_)
      if (auto* text = value.get_ptr<std::string*>())
        wipe({reinterpret_cast<Byte*>(text->data()), text->size()});
  }
  TrustFile(const TrustFile&) = delete;
  TrustFile& operator=(const TrustFile&) = delete;

  const std::string& text(const char* name) const {
    const auto found = object_.find(name);
    const auto* text =
        found == object_.end() ? nullptr : found->template get_ptr<const std::string*>();
    if (text == nullptr) refuse(name);
    return *text;
  }
  Gateway gateway() const {
    const auto key = crypto::VerifyKey::parse(text("signing_key"));
    if (!key) refuse("signing_key, which isn't base64 of 32 bytes");
    return {text("url"), text("ca_certificate"), *key};
  }
  [[noreturn]] void refuse(const std::string& where) const {
    throw Error(ErrorCode::kMalformed, "not " + std::string(what_) + "; look at " + where);
  }

 private:
  json object_;
  const char* what_;
};

json object_of(const Gateway& gateway) {
  return {{"url", gateway.url},
          {"ca_certificate", gateway.ca_certificate},
          {"signing_key", gateway.signing_key.text()}};
}

bool is_token(std::string_view text) {
  return text.size() == kTokenSize && std::ranges::all_of(text, [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
         });
}

}  // namespace

Gateway parse_gateway(std::string_view text) {
  return TrustFile(text, "a gateway's trust file", 3).gateway();
}

Gateway read_gateway(const std::filesystem::path& file) {
  return parse_gateway(as_text(read_small_file(file, kMaxTrustFile)));
}

std::string to_json(const Gateway& gateway) {
  return object_of(gateway).dump(2) + "\n";
}

Invitation parse_invitation(std::string_view text) {
  const TrustFile file(text, "an invitation", 5);
  const auto handle = records::Handle::parse(file.text("handle"));
  if (!handle) file.refuse("handle");
  const std::string& token = file.text("invitation");
  if (!is_token(token)) file.refuse("invitation");
  return {file.gateway(), *handle, SecretBytes(as_bytes(token))};
}

SecretBytes to_json(const Invitation& invitation) {
  json object = object_of(invitation.gateway);
  object["handle"] = invitation.handle.text();
  object["invitation"] = invitation.token.reveal_text();
  std::string text = object.dump(2) + "\n";
  SecretBytes secret{as_bytes(text)};
  wipe({reinterpret_cast<Byte*>(text.data()), text.size()});
  auto& token = object["invitation"].get_ref<std::string&>();
  wipe({reinterpret_cast<Byte*>(token.data()), token.size()});
  return secret;
}

}  // namespace letterbox::client
