#include "gateway/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <ctime>
#include <memory>

#include "base/error.h"
#include "crypto/hash.h"
#include "gateway/free.h"

namespace letterbox::gateway {

namespace {

namespace fs = std::filesystem;

using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Memory = std::unique_ptr<BIO, Free<BIO_free>>;

constexpr long kDay = 24L * 60 * 60;
constexpr long kAuthorityDays = 3650;
// CA/Browser Forum's limit for server certificates; browsers refuse longer ones.
constexpr long kServerDays = 397;
constexpr long kRenewDays = 30;

void require(bool done) {
  if (!done) throw Error(ErrorCode::kInternal, "OpenSSL can't make the certificate");
}

ByteView content(const Memory& memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &data);
  return as_bytes({data, static_cast<std::size_t>(size)});
}

Key make_key() {
  Key key(EVP_EC_gen("P-256"));
  require(key != nullptr);
  return key;
}

void write_key(const fs::path& path, const Key& key) {
  const Memory memory(BIO_new(BIO_s_secmem()));
  require(memory != nullptr && PEM_write_bio_PKCS8PrivateKey(memory.get(), key.get(), nullptr,
                                                             nullptr, 0, nullptr, nullptr) == 1);
  write_file(path, content(memory), 0600);
}

void write_certificate(const fs::path& path, const Certificate& certificate) {
  const Memory memory(BIO_new(BIO_s_mem()));
  require(memory != nullptr && PEM_write_bio_X509(memory.get(), certificate.get()) == 1);
  write_file(path, content(memory), 0644);
}

using File = std::unique_ptr<BIO, Free<BIO_free>>;

// An encrypted key isn't asked a passphrase for: nobody may sit at the terminal.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*unused*/) {
  return -1;
}

// Null if there is none to read.
Key find_key(const fs::path& path) {
  const File file(BIO_new_file(path.c_str(), "r"));
  return Key(file ? PEM_read_bio_PrivateKey(file.get(), nullptr, no_passphrase, nullptr) : nullptr);
}
Certificate find_certificate(const fs::path& path) {
  const File file(BIO_new_file(path.c_str(), "r"));
  return Certificate(file ? PEM_read_bio_X509(file.get(), nullptr, no_passphrase, nullptr)
                          : nullptr);
}

Key read_key(const fs::path& path) {
  Key key = find_key(path);
  if (!key)
    throw Error(
        ErrorCode::kFile,
        path.string() +
            ": isn't a PEM private key; restore it, or remove keys/ and public/ to begin anew");
  return key;
}

Certificate read_certificate(const fs::path& path) {
  Certificate certificate = find_certificate(path);
  if (!certificate)
    throw Error(
        ErrorCode::kFile,
        path.string() + ": isn't a PEM certificate; restore it, or remove it to have it made anew");
  return certificate;
}

void extend(X509* certificate, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  using Extension = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value));
  require(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

// What both certificates have. RFC 5280 section 4.1.2.2: a positive serial of at most 20 octets.
Certificate begin(const Key& key, const char* common_name, long days) {
  Certificate made(X509_new());
  require(made != nullptr && X509_set_version(made.get(), X509_VERSION_3) == 1);
  Byte serial[16];
  require(RAND_bytes(serial, sizeof serial) == 1);
  serial[0] = static_cast<Byte>((serial[0] & 0x7f) | 0x40);
  using Number = std::unique_ptr<BIGNUM, Free<BN_free>>;
  const Number number(BN_bin2bn(serial, sizeof serial, nullptr));
  require(number != nullptr &&
          BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(made.get())) != nullptr);
  // An hour back, for a client whose clock is a little slow.
  require(X509_gmtime_adj(X509_getm_notBefore(made.get()), -60L * 60) != nullptr &&
          X509_gmtime_adj(X509_getm_notAfter(made.get()), days * kDay) != nullptr);
  require(X509_set_pubkey(made.get(), key.get()) == 1);
  X509_NAME* const subject = X509_get_subject_name(made.get());
  require(X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, as_bytes("Letterbox").data(), 9,
                                     -1, 0) == 1 &&
          X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, as_bytes(common_name).data(), -1,
                                     -1, 0) == 1);
  return made;
}

void make_authority(const fs::path& key_path, const fs::path& certificate_path) {
  const Key key = make_key();
  const Certificate authority = begin(key, "Letterbox local CA", kAuthorityDays);
  X509* const made = authority.get();
  require(X509_set_issuer_name(made, X509_get_subject_name(made)) == 1);
  extend(made, made, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  extend(made, made, NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(made, made, NID_subject_key_identifier, "hash");
  extend(made, made, NID_name_constraints,
         "critical,permitted;DNS:localhost,permitted;IP:127.0.0.0/255.0.0.0,"
         "permitted;IP:0:0:0:0:0:0:0:1/FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF");
  require(X509_sign(made, key.get(), EVP_sha256()) != 0);
  write_key(key_path, key);
  write_certificate(certificate_path, authority);
}

void make_server(const fs::path& authority_key, const fs::path& authority_certificate,
                 const fs::path& key_path, const fs::path& certificate_path) {
  const Key ca_key = read_key(authority_key);
  const Certificate ca = read_certificate(authority_certificate);
  const Key key = make_key();
  const Certificate server = begin(key, "Letterbox gateway", kServerDays);
  X509* const made = server.get();
  require(X509_set_issuer_name(made, X509_get_subject_name(ca.get())) == 1);
  extend(made, ca.get(), NID_basic_constraints, "critical,CA:FALSE");
  extend(made, ca.get(), NID_key_usage, "critical,digitalSignature");
  extend(made, ca.get(), NID_ext_key_usage, "serverAuth");
  extend(made, ca.get(), NID_subject_key_identifier, "hash");
  extend(made, ca.get(), NID_authority_key_identifier, "keyid");
  extend(made, ca.get(), NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1");
  require(X509_sign(made, ca_key.get(), EVP_sha256()) != 0);
  write_key(key_path, key);
  write_certificate(certificate_path, server);
}

bool lasts(const fs::path& certificate_path, long days) {
  std::time_t then = std::time(nullptr) + days * kDay;
  return X509_cmp_time(X509_get0_notAfter(read_certificate(certificate_path).get()), &then) > 0;
}

}  // namespace

ServerCertificate server_certificate(const DataDirectory& data) {
  const fs::path ca_key = data.keys() / "ca.key";
  const fs::path ca = data.published() / "ca.pem";
  const fs::path server_key = data.keys() / "server.key";
  const fs::path server = data.published() / "server.pem";
  // Each certificate is written after its key, so the certificate's presence says that both are
  // there.
  const bool fresh_authority = !fs::exists(ca);
  if (fresh_authority) make_authority(ca_key, ca);
  if (fresh_authority || !fs::exists(server) || !lasts(server, kRenewDays)) {
    make_server(ca_key, ca, server_key, server);
  }
  return {server, server_key, ca};
}

void check_server_certificate(const fs::path& chain, const fs::path& private_key) {
  const auto refuse = [](const fs::path& path, const char* why) {
    throw Error(ErrorCode::kConfiguration, path.string() + ": " + why);
  };
  read_file(chain);  // says why it can't be read, where it can't
  const Certificate certificate = find_certificate(chain);
  if (!certificate) refuse(chain, "isn't a PEM certificate");
  if (X509_cmp_current_time(X509_get0_notBefore(certificate.get())) > 0) {
    refuse(chain, "the certificate isn't valid yet");
  }
  if (X509_cmp_current_time(X509_get0_notAfter(certificate.get())) < 0) {
    refuse(chain, "the certificate has expired");
  }
  if (access(private_key.c_str(), R_OK) != 0) refuse(private_key, "can't be read");
  const Key key = find_key(private_key);
  if (!key) refuse(private_key, "isn't an unencrypted PEM private key");
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    refuse(private_key, "isn't the key of the certificate in tls.certificate");
  }
}

Digest public_key_digest(const fs::path& certificate) {
  read_file(certificate);  // says why it can't be read, where it can't
  const Certificate read = find_certificate(certificate);
  if (!read) {
    throw Error(ErrorCode::kConfiguration, certificate.string() + ": isn't a PEM certificate");
  }
  Byte* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(read.get()), &der);
  if (size <= 0) throw Error(ErrorCode::kInternal, "OpenSSL can't encode a public key");
  const Digest digest = crypto::sha256({der, static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return digest;
}

void check_authorities(const fs::path& file) {
  read_file(file);
  if (!find_certificate(file)) {
    throw Error(ErrorCode::kConfiguration, file.string() + ": isn't a PEM certificate");
  }
}

}  // namespace letterbox::gateway
