// TLS as the gateway speaks it.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <filesystem>
#include <string>

namespace letterbox::gateway::transport {

/// The one context of all connections: TLS 1.3, or 1.2 with the suites of RFC 9325 section 4.2;
/// session tickets; no renegotiation, no compression, no early data; ALPN http/1.1 (RFC 7301).
/// Throws Error kConfiguration if certificate or key can't be used, saying which and why.
boost::asio::ssl::context make_tls_context(const std::filesystem::path& certificate_chain,
                                           const std::filesystem::path& private_key);

/// Whether the context's certificate is good for `host`, a DNS name or an address as a URI has
/// it (RFC 9110 section 4.3.4).
bool certificate_names(boost::asio::ssl::context& context, const std::string& host);

}  // namespace letterbox::gateway::transport
