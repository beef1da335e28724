#include "storage/principal_store.h"

namespace letterbox::storage {

const char* to_text(PrincipalKind kind) noexcept {
  switch (kind) {
    case PrincipalKind::kPerson:
      return "person";
    case PrincipalKind::kMachine:
      return "machine";
    case PrincipalKind::kAdministrator:
      return "administrator";
  }
  return "";
}

}  // namespace letterbox::storage
