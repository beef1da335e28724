// A notice as receivers and event streams get it (docs/api/README.md).
#pragma once

#include <string>

#include "storage/notice_store.h"

namespace letterbox::gateway {

/// One line, without anything that isn't an id, a kind or a time.
std::string notice_json(const storage::Notice& notice);

}  // namespace letterbox::gateway
