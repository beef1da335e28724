#include "gateway/identity/authority.h"

#include <algorithm>

namespace letterbox::gateway {

const std::vector<Right>& rights() {
  using enum Role;
  using enum Provided;
  static const std::vector<Right> table = {
      {"GET", "/healthz", {kAnybody}, kNothing},
      {"HEAD", "/healthz", {kAnybody}, kNothing},
      {"GET", "/readyz", {kAnybody}, kNothing},
      {"HEAD", "/readyz", {kAnybody}, kNothing},
      {"GET", "/openapi.yaml", {kAnybody}, kNothing},
      {"HEAD", "/openapi.yaml", {kAnybody}, kNothing},

      // The new device signs with the key that it enrols, and shows an invitation.
      {"POST", "/v1/devices", {kAnybody}, kNothing},
      {"GET", "/v1/self", {kApplicant, kPerson, kAdministrator}, kNothing},
      {"GET", "/v1/devices", {kApplicant, kPerson, kAdministrator}, kKnowsOfHandle},
      {"POST", "/v1/devices/{id}/records", {kApplicant, kPerson, kAdministrator}, kOwnDevice},

      {"POST", "/v1/files", {kPerson, kMachine}, kMayAddress},
      {"POST", "/v1/deliveries", {kPerson}, kMayAddress},
      {"PUT", "/v1/deliveries/{id}/cover", {kPerson}, kSends},
      {"POST", "/v1/deliveries/{id}/files", {kPerson}, kSends},
      {"GET", "/v1/deliveries/{id}/files", {kPerson}, kSendsOrReceives},
      {"POST", "/v1/deliveries/{id}/indexes", {kPerson}, kSends},
      {"POST", "/v1/deliveries/{id}/close", {kPerson}, kSends},
      {"PUT", "/v1/deliveries/{id}/recipients", {kPerson}, kSendsOrReceives},
      {"POST", "/v1/deliveries/{id}/confirmations", {kPerson}, kReceives},
      {"PUT", "/v1/deliveries/{id}/receipt", {kPerson}, kReceives},
      {"GET", "/v1/deliveries/{id}/receipts", {kPerson}, kSends},
      {"GET", "/v1/deliveries/{id}/headers", {kPerson}, kSendsOrReceives},
      {"GET", "/v1/sent", {kPerson}, kNothing},
      {"GET", "/v1/inbox", {kPerson}, kNothing},
      {"GET", "/v1/events", {kPerson}, kNothing},
      {"GET", "/v1/deliveries/{id}", {kPerson}, kSendsOrReceives},
      {"GET", "/v1/deliveries/{id}/index", {kPerson}, kSendsOrReceives},
      // A machine may take back what it sent by mistake. What it sent it can't read.
      {"DELETE", "/v1/deliveries/{id}", {kPerson, kMachine}, kSends},
      {"GET", "/v1/files/{id}", {kPerson}, kSendsOrReceives},
      {"HEAD", "/v1/files/{id}", {kPerson}, kSendsOrReceives},
      {"GET", "/v1/files/{id}/header", {kPerson}, kSendsOrReceives},
      {"HEAD", "/v1/files/{id}/header", {kPerson}, kSendsOrReceives},
      {"GET", "/v1/files/{id}/payload", {kPerson}, kSendsOrReceives},
      {"HEAD", "/v1/files/{id}/payload", {kPerson}, kSendsOrReceives},
      {"DELETE", "/v1/files/{id}", {kPerson}, kSends},

      // Uploads that may break off: the sender's own, of a delivery that is still open.
      {"OPTIONS", "/v1/uploads", {kPerson}, kNothing},
      {"POST", "/v1/uploads", {kPerson}, kSends},
      {"HEAD", "/v1/uploads/{id}", {kPerson}, kSends},
      {"PATCH", "/v1/uploads/{id}", {kPerson}, kSends},
      {"DELETE", "/v1/uploads/{id}", {kPerson}, kSends},

      {"POST", "/to/{mailbox}/dicom-web/studies", {kPerson, kMachine}, kMayAddress},
      {"POST", "/to/{mailbox}/dicom-web/studies/{study}", {kPerson, kMachine}, kMayAddress},
      // Nothing can be read by these: they say so, or that there is nothing.
      {"GET", "/to/{mailbox}/dicom-web/studies", {kPerson, kMachine}, kMayAddress},
      {"GET", "/to/{mailbox}/dicom-web/{resource...}", {kPerson, kMachine}, kMayAddress},
      {"POST",
       "/to/{mailbox}/dicom-web/commitment-requests/{transaction}",
       {kPerson, kMachine},
       kMayAddress},
      {"GET",
       "/to/{mailbox}/dicom-web/commitment-requests/{transaction}",
       {kPerson, kMachine},
       kMayAddress},

      {"POST", "/v1/invitations", {kPerson, kAdministrator}, kMayInvite},
      {"GET", "/v1/invitations", {kPerson, kAdministrator}, kMadeIt},
      {"DELETE", "/v1/invitations/{id}", {kPerson, kAdministrator}, kMadeIt},

      {"DELETE", "/v1/devices/{id}", {kAdministrator}, kNothing},
      {"GET", "/v1/principals", {kAdministrator}, kNothing},
      {"POST", "/v1/principals", {kAdministrator}, kNothing},
      {"DELETE", "/v1/principals/{id}", {kAdministrator}, kNothing},
      {"GET", "/v1/mailboxes", {kAdministrator}, kNothing},
      {"GET", "/v1/mailboxes/{mailbox}", {kAdministrator}, kNothing},
      {"PUT", "/v1/mailboxes/{mailbox}", {kAdministrator}, kNothing},
      {"DELETE", "/v1/mailboxes/{mailbox}", {kAdministrator}, kNothing},
  };
  return table;
}

const Right* right_to(std::string_view method, std::string_view path) {
  const auto& table = rights();
  const auto found = std::ranges::find_if(
      table, [&](const Right& right) { return right.method == method && right.path == path; });
  return found == table.end() ? nullptr : &*found;
}

bool has(Role role, const Right& right) {
  const auto listed = [&](Role one) { return std::ranges::count(right.roles, one) > 0; };
  return listed(Role::kAnybody) || listed(role);
}

bool may_know_of(const Caller& caller, const records::Handle& handle) {
  return caller.role != Role::kApplicant || handle == caller.handle;
}

bool owns(const Caller& caller, const records::Handle& handle, const std::string& key_id) {
  if (caller.role == Role::kApplicant) {
    return key_id == caller.device->record.signing_key.fingerprint();
  }
  return handle == caller.handle;
}

bool may_invite(const Caller& caller, const records::Handle& handle, storage::PrincipalKind kind,
                bool taken) {
  if (caller.role == Role::kAdministrator) return kind != storage::PrincipalKind::kMachine;
  if (handle == caller.handle) return kind == storage::PrincipalKind::kPerson;
  // Whether somebody is there already is told by this refusal, to those who may know it anyway.
  return !taken && kind == storage::PrincipalKind::kPerson;
}

bool may_see(const Caller& caller, const storage::Invitation& invitation) {
  return caller.role == Role::kAdministrator ||
         (invitation.made_by && invitation.made_by == caller.principal);
}

bool may_deposit(const Caller& caller, const storage::Mailbox& mailbox) {
  if (caller.mailbox && *caller.mailbox != mailbox.name) return false;
  return caller.principal && mailbox.depositors.contains(*caller.principal);
}

bool may_address(const Caller& caller) {
  return caller.role == Role::kPerson;
}

bool sends(const Caller& caller, const storage::Audience& audience) {
  return sends(caller, audience.sender);
}

bool sends(const Caller& caller, const Uuid& sender) {
  return caller.principal == sender;
}

bool receives(const Caller& caller, const storage::Audience& audience) {
  return caller.device &&
         std::ranges::count(audience.recipients, caller.device->record.recipient.text()) > 0;
}

bool sends_or_receives(const Caller& caller, const storage::Audience& audience) {
  return sends(caller, audience) || receives(caller, audience);
}

}  // namespace letterbox::gateway
