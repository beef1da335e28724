// Inviting somebody: an invitation lets one device in, once.
#pragma once

#include <chrono>
#include <optional>

#include "base/uuid.h"
#include "gateway/directory/token.h"
#include "records/handle.h"
#include "records/time.h"
#include "storage/store.h"

namespace letterbox::gateway {

inline constexpr std::chrono::hours kInvitationLife{72};
inline constexpr std::chrono::hours kLongestInvitationLife{14 * 24};

/// Files an invitation for a device of `handle`; whoever has `token` can redeem it until `expires`.
/// `made_by` is a principal; absent: the host. Throws Error kConflict if `handle` is somebody's who
/// was revoked or is of another kind, for then nobody could redeem it. Whether the maker may is for
/// the caller to know. Thread-safe.
void invite(storage::Store& store, storage::TenantId tenant, const records::Handle& handle,
            storage::PrincipalKind kind, const Token& token, records::Time expires,
            const std::optional<Uuid>& made_by, const storage::AuditEvent& event);

}  // namespace letterbox::gateway
