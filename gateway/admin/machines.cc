#include <algorithm>

#include "base/error.h"
#include "gateway/admin/commands.h"
#include "gateway/admin/host.h"
#include "gateway/directory/token.h"
#include "records/time.h"

namespace letterbox::gateway::admin {

namespace {

struct FoundMachine {
  storage::TenantId tenant;
  Uuid principal;
};

FoundMachine find_or_make_machine(storage::Store& store, const records::Handle& handle) {
  const storage::TenantId tenant = find_tenant(store, handle.tenant());
  auto principal = store.principals().find_handle(tenant, handle.text());
  if (!principal) {
    principal = store.principals().make(tenant, handle.text(), storage::PrincipalKind::kMachine,
                                        kOnTheHost);
  }
  if (principal->kind != storage::PrincipalKind::kMachine || principal->revoked) {
    throw Error(ErrorCode::kConflict,
                handle.text() + " is taken for good: by somebody who is no machine, or revoked");
  }
  return {tenant, principal->id};
}

std::string handle_of(storage::Store& store, storage::TenantId tenant, const Uuid& principal) {
  const auto found = store.principals().find(tenant, principal);
  return found ? found->handle : principal.text();
}

const char* state(const std::optional<std::chrono::sys_seconds>& revoked) {
  return revoked ? "revoked" : "valid";
}

}  // namespace

void add_machine(storage::Store& store, const std::string& handle, const Digest& public_key,
                 std::ostream& out) {
  const auto [tenant, principal] = find_or_make_machine(store, parse_handle(handle));
  store.machines().add_certificate(tenant, principal, public_key, kOnTheHost);
  out << handle << "  certificate " << to_hex(public_key) << "\n";
}

void revoke_certificate(storage::Store& store, const Digest& public_key, std::ostream& out) {
  const auto machine = store.machines().find_certificate(public_key);
  if (!machine) {
    throw Error(ErrorCode::kNotFound,
                "no machine has this certificate's key, or it was revoked before");
  }
  store.machines().revoke_certificate(machine->tenant, public_key,
                                      revocation_on_the_host(machine->principal));
  out << handle_of(store, machine->tenant, machine->principal) << "  certificate "
      << to_hex(public_key) << " revoked\n";
}

void list_machines(storage::Store& store, const std::string& tenant, std::ostream& out) {
  const storage::TenantId id = find_tenant(store, tenant);
  for (const storage::Certificate& certificate : store.machines().certificates(id)) {
    out << handle_of(store, id, certificate.principal) << "  certificate "
        << to_hex(certificate.spki_sha256) << "  " << state(certificate.revoked) << "\n";
  }
  for (const storage::MachineToken& token : store.machines().tokens(id)) {
    out << handle_of(store, id, token.principal) << "  token " << to_hex(token.sha256) << "  "
        << state(token.revoked) << "  for " << token.mailbox << " from " << token.range.text()
        << "\n";
  }
}

std::string make_machine_token(storage::Store& store, const MachineTokenOptions& options,
                               SecretOutput& output) {
  const auto range = storage::AddressRange::parse(options.range);
  if (!range) throw Error(ErrorCode::kUsage, "--from: needs ADDRESS/BITS, like 192.0.2.0/24");
  const records::Handle handle = parse_handle(options.handle);
  auto mailbox = store.mailboxes().find(find_tenant(store, handle.tenant()), options.mailbox);
  if (!mailbox) {
    throw Error(ErrorCode::kNotFound, "there is no mailbox of this name; see admin mailbox put");
  }
  const auto [tenant, principal] = find_or_make_machine(store, handle);
  if (mailbox->depositors.insert(principal).second) {
    store.mailboxes().put(tenant, *mailbox, kOnTheHost);
  }
  const Token token = Token::make();
  store.machines().add_token(tenant,
                             {.sha256 = token.sha256(),
                              .principal = principal,
                              .mailbox = options.mailbox,
                              .range = *range},
                             kOnTheHost);
  const SecretBytes text = token.text();
  SecretBytes line(text.size() + 1);
  std::copy(text.reveal().begin(), text.reveal().end(), line.reveal().begin());
  line.reveal().back() = '\n';
  output.write(line);
  return to_hex(token.sha256());
}

void revoke_machine_token(storage::Store& store, const std::string& tenant, const std::string& id,
                          std::ostream& out) {
  const storage::TenantId in = find_tenant(store, tenant);
  const std::optional<Digest> digest = digest_from_hex(id);
  if (!digest) {
    throw Error(ErrorCode::kUsage,
                "a token's id has 64 hexadecimal digits, see admin machine list");
  }
  const auto tokens = store.machines().tokens(in);
  const auto token = std::find_if(tokens.begin(), tokens.end(),
                                  [&](const auto& one) { return one.sha256 == *digest; });
  if (token == tokens.end()) {
    throw Error(ErrorCode::kNotFound, "the tenant " + tenant + " has no such token");
  }
  const bool done =
      store.machines().revoke_token(in, *digest, revocation_on_the_host(token->principal));
  out << "token " << id << (done ? " revoked\n" : " was revoked before\n");
}

}  // namespace letterbox::gateway::admin
