// Who is at the other end of a connection.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace letterbox::gateway::transport {

/// A client certificate that was verified against the endpoint's authority when the connection was
/// made, or when the session was made that the connection resumes.
struct ClientCertificate {
  Digest spki_sha256;   ///< of the DER SubjectPublicKeyInfo: stays when a certificate is renewed
  std::string subject;  ///< RFC 4514; names a machine, and is still not for the log
  std::chrono::sys_seconds not_before;
  std::chrono::sys_seconds not_after;
};

struct Peer {
  std::string address;  ///< numeric; of whoever holds the TCP connection, which may be a proxy
  std::string network;  ///< what budgets are shared out by: the address, or the /64 of an IPv6 one
  /// Always there on an endpoint with a client authority, and nowhere else.
  std::optional<ClientCertificate> certificate;
};

}  // namespace letterbox::gateway::transport
