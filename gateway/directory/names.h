// Names that the directory takes, beside handles (records/handle.h).
#pragma once

#include <string_view>

namespace letterbox::gateway {

/// Whether handles can end in @`name`.
bool is_tenant_name(std::string_view name);

/// A mailbox is named as a handle is before its @, so that it fits into a path and a query as it
/// is.
bool is_mailbox_name(std::string_view name);

}  // namespace letterbox::gateway
