// What a device is told about a gateway before it trusts it, and how it is invited there.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "crypto/signing.h"
#include "records/handle.h"

namespace letterbox::client {

/// What is trusted about a gateway: where it is, who signs its certificate, and what key signs the
/// covers of what it seals.
struct Gateway {
  std::string url;
  std::string ca_certificate;  ///< PEM
  crypto::VerifyKey signing_key;
};

/// From the file that the gateway's operator hands out: {"url", "ca_certificate", "signing_key"}.
/// Throws Error kMalformed.
Gateway parse_gateway(std::string_view json);
/// Throws Error kFile too.
Gateway read_gateway(const std::filesystem::path& file);
std::string to_json(const Gateway& gateway);

/// An invitation file: a gateway, and the right to enrol one device of `handle` there, once.
struct Invitation {
  Gateway gateway;
  records::Handle handle;
  SecretBytes token;  ///< 43 characters, base64url of 32 bytes
};

/// From {"url", "ca_certificate", "signing_key", "handle", "invitation"}. Throws Error kMalformed.
Invitation parse_invitation(std::string_view json);
SecretBytes to_json(const Invitation& invitation);

}  // namespace letterbox::client
