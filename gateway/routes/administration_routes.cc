// Invitations, principals and mailboxes.
#include <algorithm>

#include "base/error.h"
#include "gateway/directory/invite.h"
#include "gateway/directory/names.h"
#include "gateway/directory/revoke.h"
#include "gateway/directory/token.h"
#include "gateway/routes/directory_json.h"
#include "gateway/routes/handlers.h"

namespace letterbox::gateway {

namespace {

using storage::AuditKind;
using web::http::status_codes;

// Somebody who adds a device of his own has it at hand.
constexpr std::chrono::hours kOwnInvitationLife{1};

storage::PrincipalStore& principals(const Call& call) {
  return call.services.shelf.principals();
}

// Somebody's who invites the whole world would fill the directory with it.
constexpr std::ptrdiff_t kMostOpenInvitations = 20;

void require_few_open_invitations(const Call& call) {
  if (call.caller.role == Role::kAdministrator) return;
  const auto invitations = call.services.shelf.invitations().list(call.caller.tenant);
  const auto open = std::ranges::count_if(invitations, [&](const storage::Invitation& one) {
    return one.made_by == call.caller.principal && !one.redeemed && one.expires > records::now();
  });
  if (open >= kMostOpenInvitations) {
    throw Error(ErrorCode::kTooManyRequests, "as many open invitations as a person may have");
  }
}

void require_in_tenant(const Call& call, const records::Handle& handle) {
  if (handle.tenant() != call.caller.handle->tenant()) {
    throw Error(ErrorCode::kMalformed, "a handle of another tenant");
  }
}

}  // namespace

// --- Invitations

void post_invitation(Call& call) {
  call.target.allow_only({});
  const InvitationRequest asked = parse_invitation_request(call.json_body());
  require_in_tenant(call, asked.handle);
  const auto principal = principals(call).find_handle(call.caller.tenant, asked.handle.text());
  call.permit(may_invite(call.caller, asked.handle, asked.kind, principal.has_value()));
  require_few_open_invitations(call);
  const records::Time now = records::now();
  const records::Time expires = asked.expires.value_or(
      now + (asked.handle == call.caller.handle ? kOwnInvitationLife : kInvitationLife));
  if (expires <= now || expires > now + kLongestInvitationLife) {
    throw Error(ErrorCode::kMalformed, "an invitation lives at most 14 days");
  }
  const Token token = Token::make();
  invite(call.services.shelf, call.caller.tenant, asked.handle, asked.kind, token, expires,
         call.caller.principal,
         call.did(AuditKind::kAdministration,
                  principal ? std::optional(principal->id) : std::nullopt));
  call.answer_json(status_codes::Created, invitation_json(token, expires));
}

void get_invitations(Call& call) {
  call.target.allow_only({});
  std::vector<storage::Invitation> invitations =
      call.services.shelf.invitations().list(call.caller.tenant);
  std::erase_if(invitations,
                [&](const storage::Invitation& one) { return !may_see(call.caller, one); });
  call.permit(true);  // what is left
  call.answer_json(status_codes::OK, invitations_json(invitations));
}

void delete_invitation(Call& call) {
  call.target.allow_only({});
  const std::optional<Digest> id = digest_from_hex(call.path("id"));
  const auto invitations = call.services.shelf.invitations().list(call.caller.tenant);
  const auto found = std::ranges::find_if(
      invitations, [&](const auto& one) { return id && one.token_sha256 == *id; });
  if (found == invitations.end()) throw Error(ErrorCode::kNotFound, "no such invitation");
  call.permit(may_see(call.caller, *found));
  if (!call.services.shelf.invitations().withdraw(call.caller.tenant, *id,
                                                  call.did(AuditKind::kAdministration))) {
    throw Error(ErrorCode::kConflict, "the invitation was used");
  }
  call.answer_empty(status_codes::NoContent);
}

// --- Principals

void get_principals(Call& call) {
  call.target.allow_only({});
  call.answer_json(status_codes::OK, principals_json(principals(call).list(call.caller.tenant)));
}

// People come by an invitation. A machine has a key already: that of its certificate.
void post_principal(Call& call) {
  call.target.allow_only({});
  const MachineRequest asked = parse_machine_request(call.json_body());
  require_in_tenant(call, asked.handle);
  const std::optional<Digest> spki = digest_from_hex(asked.certificate);
  if (!spki) throw Error(ErrorCode::kMalformed, "certificate isn't a SHA-256 in hexadecimal");
  const storage::Principal machine =
      principals(call).make(call.caller.tenant, asked.handle.text(),
                            storage::PrincipalKind::kMachine, call.did(AuditKind::kAdministration));
  call.services.shelf.machines().add_certificate(call.caller.tenant, machine.id, *spki,
                                                 call.did(AuditKind::kEnrolment, machine.id));
  call.answer_json(status_codes::Created, principal_json(machine));
}

void delete_principal(Call& call) {
  call.target.allow_only({});
  const Uuid id = call.path_id();
  const auto principal = principals(call).find(call.caller.tenant, id);
  if (!principal) throw Error(ErrorCode::kNotFound, "no such principal");
  if (!revoke_principal(call.services.shelf, call.caller.tenant, *principal,
                        call.services.signing_key, call.did(AuditKind::kRevocation, id))) {
    throw Error(ErrorCode::kConflict, "the principal is revoked already");
  }
  call.answer_empty(status_codes::NoContent);
}

// --- Mailboxes

void get_mailboxes(Call& call) {
  call.target.allow_only({});
  const auto mailboxes = call.services.shelf.mailboxes().list(call.caller.tenant);
  call.answer_json(status_codes::OK,
                   mailboxes_json(mailboxes, principals(call).list(call.caller.tenant)));
}

void get_mailbox(Call& call) {
  call.target.allow_only({});
  const auto mailbox =
      call.services.shelf.mailboxes().find(call.caller.tenant, call.path("mailbox"));
  if (!mailbox) throw Error(ErrorCode::kNotFound, "no such mailbox");
  call.answer_json(status_codes::OK,
                   mailbox_json(*mailbox, principals(call).list(call.caller.tenant)));
}

void put_mailbox(Call& call) {
  call.target.allow_only({});
  if (!is_mailbox_name(call.path("mailbox")))
    throw Error(ErrorCode::kMalformed, "a mailbox isn't named so");
  const MailboxRequest asked = parse_mailbox_request(call.json_body());
  storage::Mailbox mailbox{.name = call.path("mailbox"),
                           .recipients = {},
                           .depositors = {},
                           .closes_after = asked.closes_after};
  for (const records::Handle& handle : asked.recipients) {
    require_in_tenant(call, handle);
    mailbox.recipients.insert(handle.text());
  }
  for (const records::Handle& handle : asked.depositors) {
    const auto principal = principals(call).find_handle(call.caller.tenant, handle.text());
    if (!principal) throw Error(ErrorCode::kUnknownRecipient, "a depositor isn't in the directory");
    mailbox.depositors.insert(principal->id);
  }
  call.services.shelf.mailboxes().put(call.caller.tenant, mailbox,
                                      call.did(AuditKind::kAdministration));
  call.answer_empty(status_codes::NoContent);
}

void delete_mailbox(Call& call) {
  call.target.allow_only({});
  if (!call.services.shelf.mailboxes().remove(call.caller.tenant, call.path("mailbox"),
                                              call.did(AuditKind::kAdministration))) {
    throw Error(ErrorCode::kNotFound, "no such mailbox");
  }
  call.answer_empty(status_codes::NoContent);
}

}  // namespace letterbox::gateway
