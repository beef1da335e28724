// The commands of `letterboxd admin …`, a file a noun. Each prints its result to `out`, says what
// it did in the audit trail, and throws Error for what it can't do: kUsage, kNotFound, kConflict.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "crypto/signing.h"
#include "gateway/admin/secret_output.h"
#include "gateway/data_directory.h"
#include "storage/store.h"

namespace letterbox::gateway::admin {

/// `quota` in bytes; 0: none.
void add_tenant(storage::Store& store, const std::string& name, std::ostream& out,
                std::uint64_t quota = 0);
void list_tenants(storage::Store& store, std::ostream& out);

/// What isn't given stays as it is. A value is as settings write it, or "default": as the gateway's
/// configuration says (for the quota: none).
struct LimitOptions {
  std::string tenant;
  std::string quota = {};
  std::string life = {};
  std::string longest_life = {};
  std::string downloads = {};
  std::string most_downloads = {};
};
/// Sets what is given, and prints all limits and what the tenant has stored. Throws Error kUsage.
void tenant_limits(storage::Store& store, const LimitOptions& options, std::ostream& out);

struct InviteOptions {
  std::string handle;
  bool administrator = false;
  std::size_t hours = 72;
};
/// The invitation file goes to `output` and nowhere else.
void invite(storage::Store& store, const DataDirectory& data, const InviteOptions& options,
            SecretOutput& output);

/// Fingerprint, the same as words, and state of each device: a line each.
void list_devices(storage::Store& store, const crypto::VerifyKey& gateway_key,
                  const std::string& handle, std::ostream& out);
void revoke_device(storage::Store& store, const crypto::SigningKey& gateway_key,
                   const std::string& fingerprint, std::ostream& out);

void list_principals(storage::Store& store, const std::string& tenant, std::ostream& out);
void revoke_principal(storage::Store& store, const crypto::SigningKey& gateway_key,
                      const std::string& handle, std::ostream& out);

/// Makes the machine if `handle` is new. `public_key` is the SHA-256 of its certificate's
/// SubjectPublicKeyInfo.
void add_machine(storage::Store& store, const std::string& handle, const Digest& public_key,
                 std::ostream& out);
void revoke_certificate(storage::Store& store, const Digest& public_key, std::ostream& out);
/// Certificates and tokens.
void list_machines(storage::Store& store, const std::string& tenant, std::ostream& out);

struct MachineTokenOptions {
  std::string handle;
  std::string mailbox;
  std::string range;  ///< ADDRESS/BITS: where it may come from
};
/// Makes the machine if its handle is new, and a depositor of the mailbox if it is none. The token
/// goes to `output`; returns its id, with which it is revoked.
std::string make_machine_token(storage::Store& store, const MachineTokenOptions& options,
                               SecretOutput& output);
void revoke_machine_token(storage::Store& store, const std::string& tenant, const std::string& id,
                          std::ostream& out);

struct MailboxOptions {
  std::string name;
  std::string tenant;
  std::vector<std::string> recipients;  ///< handles, of whoever is or will be there
  std::vector<std::string> depositors;  ///< handles of principals
  std::uint32_t closes_after = 60;      ///< seconds, at most half an hour
};
/// In the place of the one with its name, if there is one.
void put_mailbox(storage::Store& store, const MailboxOptions& options, std::ostream& out);
void list_mailboxes(storage::Store& store, const std::string& tenant, std::ostream& out);
void remove_mailbox(storage::Store& store, const std::string& tenant, const std::string& name,
                    std::ostream& out);

}  // namespace letterbox::gateway::admin
