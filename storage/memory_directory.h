// Everything but the shelf, in memory: who is who, and what they did.
#pragma once

#include <memory>

#include "storage/store.h"

namespace letterbox::storage {

/// The contracts of the directory's stores, durability aside. Thread-safe.
class MemoryDirectory {
 public:
  MemoryDirectory();
  ~MemoryDirectory();

  TenantStore& tenants() noexcept;
  PrincipalStore& principals() noexcept;
  DeviceStore& devices() noexcept;
  MachineStore& machines() noexcept;
  InvitationStore& invitations() noexcept;
  MailboxStore& mailboxes() noexcept;
  NonceStore& nonces() noexcept;
  AuditStore& audit() noexcept;

 private:
  struct Stores;
  std::unique_ptr<Stores> stores_;
};

}  // namespace letterbox::storage
