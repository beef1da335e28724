#pragma once

#include <filesystem>
#include <optional>

#include "client/caller.h"
#include "records/handle.h"

namespace letterbox::client {

/// Throws Error kConflict or kUsage if an invitation could be put nowhere: ask before one is made.
void check_invitation_output(const std::optional<std::filesystem::path>& output);

/// Has the gateway make an invitation for a device of `handle`: our own, or one that is nobody's
/// yet. The token. Throws what the gateway says.
SecretBytes make_invitation(Caller& us, const records::Handle& handle);

/// The same, for somebody to log in with. It goes into a new file of mode 0600, or is shown on the
/// terminal; into a pipe it never goes. Throws Error kUsage, kConflict, and what the gateway says.
void invite(Caller& us, const records::Handle& handle,
            const std::optional<std::filesystem::path>& output);

}  // namespace letterbox::client
