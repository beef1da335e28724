#include "gateway/directory/names.h"

#include <string>

#include "records/handle.h"

namespace letterbox::gateway {

bool is_tenant_name(std::string_view name) {
  return records::Handle::parse("x@" + std::string(name)).has_value();
}

bool is_mailbox_name(std::string_view name) {
  return records::Handle::parse(std::string(name) + "@x").has_value();
}

}  // namespace letterbox::gateway
