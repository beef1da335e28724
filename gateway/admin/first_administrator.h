// How the first administrator comes in: by an invitation that lies on the host.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "gateway/data_directory.h"
#include "storage/store.h"

namespace letterbox::gateway {

/// Makes the tenant `name` if it is missing.
void make_tenant_if_missing(storage::Store& store, const std::string& name,
                            std::uint64_t quota = 0);

/// While the tenant has no administrator, and nobody is invited to become one: invites
/// administrator@`tenant` for one hour, and writes the invitation to first-administrator.json, mode
/// 0600. Takes that file away once there is an administrator. Returns its path while an invitation
/// lies there; the secret in it goes nowhere else. Where that handle is taken, warns. Throws Error
/// kNotFound if there is no such tenant, kFile.
std::optional<std::filesystem::path> invite_first_administrator(storage::Store& store,
                                                                const DataDirectory& data,
                                                                const std::string& tenant);

}  // namespace letterbox::gateway
