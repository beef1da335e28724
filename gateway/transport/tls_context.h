// TLS as the gateway speaks it.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "gateway/transport/peer.h"
#include "gateway/transport/ticket_keys.h"
#include "gateway/transport/transport.h"

namespace letterbox::gateway::transport {

/// What an endpoint's connections share: TLS 1.3, or 1.2 with the suites of RFC 9325 section 4.2,
/// as DICOM PS3.15 B.12 wants it (of B.13's suites all but those with DHE, against which RFC 9325
/// section 4.1 advises); session tickets; no renegotiation, no compression, no early data; ALPN
/// http/1.1 (RFC 7301). Thread-safe.
class TlsContext {
 public:
  /// Throws Error kConfiguration if certificate, key or authority can't be used, saying which and
  /// why.
  explicit TlsContext(const Endpoint& endpoint);
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  SSL_CTX* native() const noexcept { return context_.get(); }

  /// Whether our certificate is good for `host`, a DNS name or an address as a URI has it (RFC 9110
  /// section 4.3.4).
  bool names(const std::string& host) const;

 private:
  void require_certificates(const std::filesystem::path& authority);

  struct Free {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
  };
  TicketKeys tickets_;  // before the context, which uses them
  std::unique_ptr<SSL_CTX, Free> context_;
};

/// Throws Error kInternal.
ClientCertificate client_certificate(X509* certificate);

}  // namespace letterbox::gateway::transport
