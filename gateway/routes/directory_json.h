// The JSON bodies about who is who (docs/api/README.md), to and from what they mean. Parsers are
// strict: these members and no others. They throw Error kMalformed.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/directory/enrolment.h"
#include "gateway/directory/token.h"
#include "gateway/identity/caller.h"
#include "records/handle.h"
#include "storage/store.h"

namespace letterbox::gateway {

/// Body of POST /v1/devices.
struct Enrolment {
  std::string invitation;
  records::Envelope record;
};
Enrolment parse_enrolment(std::string_view json);

/// Body of POST /v1/invitations.
struct InvitationRequest {
  records::Handle handle;
  storage::PrincipalKind kind;
  std::optional<records::Time> expires;
};
InvitationRequest parse_invitation_request(std::string_view json);

/// Body of POST /v1/principals.
struct MachineRequest {
  records::Handle handle;
  std::string certificate;  ///< hexadecimal SHA-256 of the SubjectPublicKeyInfo
};
MachineRequest parse_machine_request(std::string_view json);

/// Body of PUT /v1/mailboxes/{name}.
struct MailboxRequest {
  std::vector<records::Handle> recipients;
  std::vector<records::Handle> depositors;
  std::chrono::seconds closes_after;  ///< as storage::Mailbox has it, which is the default
};
MailboxRequest parse_mailbox_request(std::string_view json);

/// Answers.
std::string enrolled_json(const Enrolled& enrolled);
std::string self_json(const Caller& caller);
std::string history_json(const records::Handle& handle,
                         const std::vector<storage::AcceptedRecord>& history);
std::string invitation_json(const Token& token, records::Time expires);
std::string invitations_json(const std::vector<storage::Invitation>& invitations);
std::string principal_json(const storage::Principal& principal);
std::string principals_json(const std::vector<storage::Principal>& principals);
/// `principals` name the depositors.
std::string mailbox_json(const storage::Mailbox& mailbox,
                         const std::vector<storage::Principal>& principals);
std::string mailboxes_json(const std::vector<storage::Mailbox>& mailboxes,
                           const std::vector<storage::Principal>& principals);

}  // namespace letterbox::gateway
