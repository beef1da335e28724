#include "gateway/transport/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <string_view>

#include "base/error.h"

namespace letterbox::gateway::transport {

namespace {

// RFC 9325 section 4.2: forward secrecy and AEAD only. TLS 1.3's own suites all qualify.
constexpr const char* kTls12Suites =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
// RFC 9325 section 4.4.
constexpr const char* kGroups = "X25519:P-256:P-384";

[[noreturn]] void refuse(const std::string& what) {
  std::array<char, 256> why{};
  ERR_error_string_n(ERR_peek_last_error(), why.data(), why.size());
  ERR_clear_error();
  throw Error(ErrorCode::kConfiguration, what + ": " + why.data());
}

// RFC 7301 section 3.2: a client that offers protocols and not ours is told so.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
  static constexpr std::string_view kOurs("\x08http/1.1", 9);
  unsigned char* found = nullptr;
  const int result = SSL_select_next_proto(
      &found, chosen_size, reinterpret_cast<const unsigned char*>(kOurs.data()),
      static_cast<unsigned int>(kOurs.size()), offered, offered_size);
  *chosen = found;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

boost::asio::ssl::context make_tls_context(const std::filesystem::path& certificate_chain,
                                           const std::filesystem::path& private_key) {
  boost::asio::ssl::context context(boost::asio::ssl::context::tls_server);
  SSL_CTX* const native = context.native_handle();
  ERR_clear_error();

  if (SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(native, kTls12Suites) != 1 ||
      SSL_CTX_set1_groups_list(native, kGroups) != 1) {
    refuse("OpenSSL doesn't take our TLS settings");
  }
  // Plaintext of a record is overwritten once it's read: it may be somebody's image.
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                  SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                  SSL_OP_CLEANSE_PLAINTEXT);
  // An idle connection keeps no record buffers.
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  // Sessions resume by ticket, so that none are kept here.
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_select_cb(native, choose_protocol, nullptr);

  if (SSL_CTX_use_certificate_chain_file(native, certificate_chain.c_str()) != 1) {
    refuse("the certificate chain " + certificate_chain.string() + " can't be used");
  }
  if (SSL_CTX_use_PrivateKey_file(native, private_key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(native) != 1) {
    refuse("the private key " + private_key.string() +
           " can't be used, or isn't the certificate's");
  }
  return context;
}

bool certificate_names(boost::asio::ssl::context& context, const std::string& host) {
  X509* const certificate = SSL_CTX_get0_certificate(context.native_handle());
  if (host.starts_with('[') && host.ends_with(']')) {
    return X509_check_ip_asc(certificate, host.substr(1, host.size() - 2).c_str(), 0) == 1;
  }
  return X509_check_host(certificate, host.data(), host.size(), 0, nullptr) == 1 ||
         X509_check_ip_asc(certificate, host.c_str(), 0) == 1;
}

}  // namespace letterbox::gateway::transport
