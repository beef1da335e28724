#include "storage/audit_check.h"

#include <algorithm>

#include "base/error.h"
#include "storage/address_range.h"

namespace letterbox::storage {

namespace {

bool is_key_id(const std::string& text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace

void require_sound(const AuditEvent& event) {
  if (event.device && !is_key_id(*event.device)) {
    throw Error(ErrorCode::kInternal, "an audit event's device is no key id");
  }
  if (event.peer && !is_address(*event.peer)) {
    throw Error(ErrorCode::kInternal, "an audit event's peer is no address");
  }
}

}  // namespace letterbox::storage
