// Keys and certificates in files, as an operator would have them.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <filesystem>
#include <memory>
#include <string>

namespace letterbox::test {

struct KeyAndCertificate {
  std::filesystem::path certificate;  ///< PEM
  std::filesystem::path private_key;  ///< PEM
};

/// A directory that goes away with it, holding an authority, a fresh key and a certificate for
/// localhost and 127.0.0.1, and the certificates that are issued here.
class CertificateFiles {
 public:
  CertificateFiles();
  ~CertificateFiles();
  CertificateFiles(const CertificateFiles&) = delete;
  CertificateFiles& operator=(const CertificateFiles&) = delete;

  std::filesystem::path directory() const { return directory_; }
  std::filesystem::path authority() const { return directory_ / "authority.pem"; }
  std::filesystem::path certificate() const { return directory_ / "certificate.pem"; }
  std::filesystem::path private_key() const { return directory_ / "key.pem"; }

  /// Valid between these, in seconds from now; `usage` is its extended key usage.
  KeyAndCertificate issue(const std::string& name, long from = -60, long until = 24L * 60 * 60,
                          const char* usage = "clientAuth");
  /// Writes key and certificate of the server anew.
  void renew_server();

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
  };
  using Key = std::unique_ptr<EVP_PKEY, Free>;
  using Certificate = std::unique_ptr<X509, Free>;

  Certificate make(const Key& key, const std::string& name, long from, long until,
                   const char* extension, const char* value);

  std::filesystem::path directory_;
  Key authority_key_;
  Certificate authority_;
  long serial_ = 0;
};

}  // namespace letterbox::test
