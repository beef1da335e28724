#include "tests/gateway/transport/test_certificates.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>

namespace letterbox::test {

namespace {

template <typename Write>
void write_pem(const std::filesystem::path& path, Write write) {
  std::FILE* const file = std::fopen(path.c_str(), "w");
  if (file == nullptr || write(file) != 1) throw std::runtime_error("can't write " + path.string());
  std::fclose(file);
}

void write_certificate(const std::filesystem::path& path, X509* certificate) {
  write_pem(path, [&](std::FILE* file) { return PEM_write_X509(file, certificate); });
}

void write_key(const std::filesystem::path& path, EVP_PKEY* key) {
  write_pem(path, [&](std::FILE* file) {
    return PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

}  // namespace

CertificateFiles::CertificateFiles() {
  std::string name = (std::filesystem::temp_directory_path() / "transport-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("can't make a directory");
  directory_ = name;

  constexpr long kDay = 24L * 60 * 60;
  authority_key_.reset(EVP_EC_gen("P-256"));
  authority_ = make(authority_key_, "Authority", -60, kDay, "basicConstraints", "critical,CA:TRUE");
  write_certificate(authority(), authority_.get());
  renew_server();
}

CertificateFiles::~CertificateFiles() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void CertificateFiles::renew_server() {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate made =
      make(key, "localhost", -60, 24L * 60 * 60, "subjectAltName", "DNS:localhost,IP:127.0.0.1");
  write_certificate(certificate(), made.get());
  write_key(private_key(), key.get());
}

KeyAndCertificate CertificateFiles::issue(const std::string& name, long from, long until,
                                          const char* usage) {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate made = make(key, name, from, until, "extendedKeyUsage", usage);
  KeyAndCertificate files{directory_ / (name + ".pem"), directory_ / (name + "-key.pem")};
  write_certificate(files.certificate, made.get());
  write_key(files.private_key, key.get());
  return files;
}

CertificateFiles::Certificate CertificateFiles::make(const Key& key, const std::string& name,
                                                     long from, long until, const char* extension,
                                                     const char* value) {
  Certificate made(X509_new());
  X509* const x509 = made.get();
  X509_set_version(x509, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial_);
  X509_gmtime_adj(X509_getm_notBefore(x509), from);
  X509_gmtime_adj(X509_getm_notAfter(x509), until);
  X509_set_pubkey(x509, key.get());
  X509_NAME* const subject = X509_get_subject_name(x509);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(x509, authority_ ? X509_get_subject_name(authority_.get()) : subject);
  X509_EXTENSION* const made_extension = X509V3_EXT_conf(nullptr, nullptr, extension, value);
  X509_add_ext(x509, made_extension, -1);
  X509_EXTENSION_free(made_extension);
  X509_sign(x509, authority_key_.get(), EVP_sha256());
  return made;
}

}  // namespace letterbox::test
