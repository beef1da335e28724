// Who may do what: the one table, and the one place that says yes.
//
// Two questions are asked of every request. Whether its caller's role may use the route at all is
// asked before its handler runs; whether this caller may have this very thing is asked by the
// handler, once it knows which thing that is. What isn't in the table is denied, and an answer to a
// request whose second question was never asked doesn't leave the gateway (routes/call.h).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "gateway/identity/caller.h"
#include "storage/delivery_store.h"
#include "storage/invitation_store.h"
#include "storage/mailbox_store.h"
#include "storage/principal_store.h"

namespace letterbox::gateway {

/// What must hold beside the role.
enum class Provided : std::uint8_t {
  kNothing,
  kKnowsOfHandle,  ///< a handle of the tenant; an applicant's own alone
  kOwnDevice,      ///< a device of the caller's own handle; an applicant itself alone
  kMayInvite,      ///< administrators anybody; a person itself, or somebody who isn't there yet
  kMadeIt,         ///< the invitation's maker, or an administrator
  kMayAddress,     ///< a mailbox whose depositor the caller is; anybody of the tenant, for people
  kSends,          ///< the delivery's sender
  kReceives,       ///< the delivery's current cover lists the device
  kSendsOrReceives,
};

struct Right {
  std::string_view method;
  std::string_view path;  ///< a route's template
  std::vector<Role> roles;
  Provided provided;
};

/// Every right there is.
const std::vector<Right>& rights();

/// The right to a route; null if nobody has one.
const Right* right_to(std::string_view method, std::string_view path);

/// Whether a role has the right. What anybody may, every role may.
bool has(Role role, const Right& right);

// The second questions, one for each Provided.
bool may_know_of(const Caller& caller, const records::Handle& handle);
bool owns(const Caller& caller, const records::Handle& handle, const std::string& key_id);
/// `taken`: there is a principal of that handle.
bool may_invite(const Caller& caller, const records::Handle& handle, storage::PrincipalKind kind,
                bool taken);
bool may_see(const Caller& caller, const storage::Invitation& invitation);
bool may_deposit(const Caller& caller, const storage::Mailbox& mailbox);
/// Whether the caller may name recipients itself.
bool may_address(const Caller& caller);
bool sends(const Caller& caller, const storage::Audience& audience);
bool sends(const Caller& caller, const Uuid& sender);
bool receives(const Caller& caller, const storage::Audience& audience);
bool sends_or_receives(const Caller& caller, const storage::Audience& audience);

}  // namespace letterbox::gateway
