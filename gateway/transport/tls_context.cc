#include "gateway/transport/tls_context.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
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
// RFC 9325 section 4.5 wants 2048 bits of RSA, 256 of an elliptic curve, and no SHA-1, of peers'
// certificates too. OpenSSL's level 2 is this.
constexpr int kSecurityLevel = 2;
// Read from the socket at once: four whole records with what OpenSSL puts before them. Of 64 KiB
// the fourth would lack its last bytes, and take a system call of its own.
constexpr std::size_t kReadAheadBytes = 65UL * 1024;
constexpr std::string_view kSessionContext = "letterbox";

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

bool holds_revocation_list(X509_STORE* store) {
  const STACK_OF(X509_OBJECT)* const objects = X509_STORE_get0_objects(store);
  for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
    if (X509_OBJECT_get_type(sk_X509_OBJECT_value(objects, i)) == X509_LU_CRL) return true;
  }
  return false;
}

std::chrono::sys_seconds time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    throw Error(ErrorCode::kInternal, "a verified certificate has a time that can't be read");
  }
  return std::chrono::sys_seconds(std::chrono::seconds(timegm(&parts)));
}

}  // namespace

TlsContext::TlsContext(const Endpoint& endpoint) : context_(SSL_CTX_new(TLS_server_method())) {
  SSL_CTX* const native = context_.get();
  ERR_clear_error();

  if (native == nullptr || SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(native, kTls12Suites) != 1 ||
      SSL_CTX_set1_groups_list(native, kGroups) != 1) {
    refuse("OpenSSL doesn't take our TLS settings");
  }
  SSL_CTX_set_security_level(native, kSecurityLevel);
  // Plaintext of a record is overwritten once it's read: it may be somebody's image.
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                  SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                  SSL_OP_CLEANSE_PLAINTEXT);
  // An idle connection keeps no record buffers, and what is written may be handed over in pieces.
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                               SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(native, 1);
  SSL_CTX_set_default_read_buffer_len(native, kReadAheadBytes);
  // Sessions resume by ticket, so that none are kept here.
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(native, std::chrono::seconds(TicketKeys::kPeriod).count());
  tickets_.serve(native);
  SSL_CTX_set_alpn_select_cb(native, choose_protocol, nullptr);

  // A key under a passphrase can't be used, rather than asked for at a terminal that nobody
  // watches.
  SSL_CTX_set_default_passwd_cb(native, [](char*, int, int, void*) { return 0; });
  if (SSL_CTX_use_certificate_chain_file(native, endpoint.certificate_chain.c_str()) != 1) {
    refuse("the certificate chain " + endpoint.certificate_chain.string() + " can't be used");
  }
  if (SSL_CTX_use_PrivateKey_file(native, endpoint.private_key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(native) != 1) {
    refuse("the private key " + endpoint.private_key.string() +
           " can't be used, or isn't the certificate's");
  }
  if (!endpoint.client_authority.empty()) require_certificates(endpoint.client_authority);
}

void TlsContext::require_certificates(const std::filesystem::path& authority) {
  SSL_CTX* const native = context_.get();
  STACK_OF(X509_NAME)* const names = SSL_load_client_CA_file(authority.c_str());
  if (names == nullptr || SSL_CTX_load_verify_file(native, authority.c_str()) != 1) {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    refuse("the client authority " + authority.string() + " can't be used");
  }
  SSL_CTX_set_client_CA_list(native, names);  // which it owns from here on
  if (holds_revocation_list(SSL_CTX_get_cert_store(native))) {
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(native), X509_V_FLAG_CRL_CHECK);
  }
  SSL_CTX_set_verify(native, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  // Without one, OpenSSL refuses to resume where certificates are asked for.
  SSL_CTX_set_session_id_context(native, as_bytes(kSessionContext).data(),
                                 static_cast<unsigned int>(kSessionContext.size()));
}

bool TlsContext::names(const std::string& host) const {
  X509* const certificate = SSL_CTX_get0_certificate(context_.get());
  if (host.starts_with('[') && host.ends_with(']')) {
    return X509_check_ip_asc(certificate, host.substr(1, host.size() - 2).c_str(), 0) == 1;
  }
  return X509_check_host(certificate, host.data(), host.size(), 0, nullptr) == 1 ||
         X509_check_ip_asc(certificate, host.c_str(), 0) == 1;
}

ClientCertificate client_certificate(X509* certificate) {
  ClientCertificate made{};
  unsigned char* der = nullptr;
  const int der_size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  const bool hashed =
      der_size > 0 && EVP_Digest(der, static_cast<std::size_t>(der_size), made.spki_sha256.data(),
                                 nullptr, EVP_sha256(), nullptr) == 1;
  OPENSSL_free(der);

  const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new(BIO_s_mem()), BIO_free);
  const bool printed = text && X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0,
                                                  XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0;
  if (!hashed || !printed) {
    throw Error(ErrorCode::kInternal, "a verified certificate can't be read");
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  made.subject.assign(data, static_cast<std::size_t>(size));
  made.not_before = time_of(X509_get0_notBefore(certificate));
  made.not_after = time_of(X509_get0_notAfter(certificate));
  return made;
}

}  // namespace letterbox::gateway::transport
