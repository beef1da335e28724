// The gateway's certificates: those of its own authority, for as long as the hospital's isn't used,
// and what can be said beforehand of the hospital's.
#pragma once

#include <filesystem>

#include "base/bytes.h"
#include "gateway/data_directory.h"

namespace letterbox::gateway {

struct ServerCertificate {
  std::filesystem::path chain;        ///< PEM
  std::filesystem::path private_key;  ///< PEM
  std::filesystem::path authority;    ///< PEM: what a client must trust
};

/// The server certificate in `data`, made on first use together with the authority that signs it,
/// and made anew when it has less than 30 days left. The authority is name-constrained (RFC 5280
/// section 4.2.1.10) to localhost and loopback addresses, so that whoever steals its key can't
/// impersonate anything else to a client that trusts it. P-256 keys, because every TLS client takes
/// them. Throws Error kFile.
ServerCertificate server_certificate(const DataDirectory& data);

/// Throws Error kFile or kConfiguration, saying why, if `chain` and `private_key` (PEM) can't be a
/// server's now: unreadable, not of each other, or not valid at this time.
void check_server_certificate(const std::filesystem::path& chain,
                              const std::filesystem::path& private_key);

/// SHA-256 of the DER SubjectPublicKeyInfo of a PEM certificate (RFC 5280 section 4.1.2.7), by
/// which a machine is known: it outlives the certificate's renewal. Throws Error kFile,
/// kConfiguration.
Digest public_key_digest(const std::filesystem::path& certificate);

/// Throws Error kFile if `file` holds no PEM certificate.
void check_authorities(const std::filesystem::path& file);

}  // namespace letterbox::gateway
