#include "storage/memory_directory.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "storage/audit_check.h"
#include "storage/study_check.h"
#include "storage/tenant_check.h"

namespace letterbox::storage {

namespace {

std::chrono::sys_seconds now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

// What one tenant has. Its functions check everything before they change anything: then nothing
// has to be undone.
struct TenantRecords {
  std::string name;
  TenantLimits limits;
  std::map<Uuid, Principal> principals;
  std::map<std::string, Device> devices;  // by recipient
  std::vector<AcceptedRecord> history;    // in the order of acceptance
  std::map<Digest, Certificate> certificates;
  std::map<Digest, MachineToken> tokens;
  std::map<Digest, Invitation> invitations;
  std::map<std::string, Mailbox> mailboxes;
  std::map<std::pair<std::string, std::string>, std::chrono::sys_seconds> nonces;
  std::vector<AuditRecord> trail;

  void record(const AuditEvent& event) { trail.push_back({Uuid::v7(), now(), event}); }

  const Principal* with_handle(const std::string& handle) const {
    for (const auto& [id, principal] : principals) {
      if (principal.handle == handle) return &principal;
    }
    return nullptr;
  }

  const Principal& make_principal(const std::string& handle, PrincipalKind kind) {
    const Uuid id = Uuid::v7();
    return principals.emplace(id, Principal{id, handle, kind, now(), std::nullopt}).first->second;
  }

  void add_device(const NewDevice& device, const Uuid& principal) {
    devices.emplace(device.recipient, Device{device, principal, now(), std::nullopt});
    file(device.recipient, device.record);
  }

  void file(const std::string& recipient, const std::string& envelope) {
    history.push_back({recipient, now(), envelope});
  }

  bool is_active(const Uuid& principal) const { return !principals.at(principal).revoked; }

  void require_machine(const Uuid& id) const;
};

const Principal& require_active(const Principal* principal) {
  if (principal == nullptr) throw Error(ErrorCode::kNotFound, "there is no such principal");
  if (principal->revoked) throw Error(ErrorCode::kConflict, "the principal is revoked");
  return *principal;
}

void TenantRecords::require_machine(const Uuid& id) const {
  const auto found = principals.find(id);
  const Principal* principal = found == principals.end() ? nullptr : &found->second;
  if (require_active(principal).kind != PrincipalKind::kMachine) {
    throw Error(ErrorCode::kConflict, "the principal is no machine");
  }
}

// Everything, under one lock.
struct Directory {
  std::mutex mutex;
  std::map<TenantId, TenantRecords> tenants;

  Directory() { tenants[kGateway].name = ".gateway"; }

  /// To change something, which `event` will record; the lock is held.
  TenantRecords& of(TenantId tenant, const AuditEvent& event) {
    require_sound(event);
    return of(tenant);
  }
  /// To change something that isn't recorded; the lock is held.
  TenantRecords& of(TenantId tenant) {
    const auto found = tenants.find(tenant);
    if (found == tenants.end()) throw Error(ErrorCode::kNotFound, "there is no such tenant");
    return found->second;
  }
  /// To look; the lock is held. Whoever doesn't exist has nothing.
  const TenantRecords& seen(TenantId tenant) const {
    static const TenantRecords kNothing;
    const auto found = tenants.find(tenant);
    return found == tenants.end() ? kNothing : found->second;
  }

  void require_new(TenantId own, const NewDevice& device) const;
};

void Directory::require_new(TenantId own, const NewDevice& device) const {
  for (const auto& [tenant, records] : tenants) {
    for (const auto& [recipient, other] : records.devices) {
      if ((tenant == own && recipient == device.recipient) ||
          other.signing_key == device.signing_key || other.key_id == device.key_id) {
        throw Error(ErrorCode::kConflict, "a device has this age key or this signing key already");
      }
    }
  }
}

template <typename Map, typename Key>
auto find_in(const Map& map, const Key& key) -> std::optional<typename Map::mapped_type> {
  const auto found = map.find(key);
  if (found == map.end()) return std::nullopt;
  return found->second;
}

template <typename Map>
auto values_of(const Map& map) {
  std::vector<typename Map::mapped_type> values;
  values.reserve(map.size());
  for (const auto& [key, value] : map) values.push_back(value);
  return values;
}

// The same for whatever can be revoked: once, and for good.
template <typename Map, typename Key>
bool revoke_in(Map& map, const Key& key) {
  const auto found = map.find(key);
  if (found == map.end()) {
    throw Error(ErrorCode::kNotFound, "there is nothing of this name to revoke");
  }
  if (found->second.revoked) return false;
  found->second.revoked = now();
  return true;
}

// The same under the lock, with the record of it.
template <typename Map, typename Key>
bool revoke_in(Directory& directory, Map TenantRecords::*map, TenantId tenant, const Key& key,
               const AuditEvent& event) {
  const std::lock_guard lock(directory.mutex);
  TenantRecords& records = directory.of(tenant, event);
  const bool revoked = revoke_in(records.*map, key);
  if (revoked) records.record(event);
  return revoked;
}

class Tenants final : public TenantStore {
 public:
  explicit Tenants(Directory& directory) : directory_(directory) {}

  TenantId make(const std::string& name) override {
    const std::lock_guard lock(directory_.mutex);
    if (find_locked(name)) throw Error(ErrorCode::kConflict, "a tenant has this name already");
    const TenantId tenant{Uuid::v7()};
    directory_.tenants[tenant].name = name;
    return tenant;
  }

  std::optional<TenantId> find(const std::string& name) override {
    const std::lock_guard lock(directory_.mutex);
    return find_locked(name);
  }

  std::vector<Tenant> list() override {
    const std::lock_guard lock(directory_.mutex);
    std::vector<Tenant> tenants;
    for (const auto& [id, records] : directory_.tenants) tenants.push_back({id, records.name});
    std::sort(tenants.begin(), tenants.end(),
              [](const Tenant& a, const Tenant& b) { return a.name < b.name; });
    return tenants;
  }

  TenantLimits limits(TenantId tenant) override {
    const std::lock_guard lock(directory_.mutex);
    return directory_.of(tenant).limits;
  }

  void set_limits(TenantId tenant, const TenantLimits& limits, const AuditEvent& event) override {
    require_sound(limits);
    const std::lock_guard lock(directory_.mutex);
    TenantRecords& own = directory_.of(tenant, event);
    if (own.limits == limits) return;
    own.limits = limits;
    own.record(event);
  }

 private:
  std::optional<TenantId> find_locked(const std::string& name) const {
    for (const auto& [id, records] : directory_.tenants) {
      if (records.name == name) return id;
    }
    return std::nullopt;
  }

  Directory& directory_;
};

class Principals final : public PrincipalStore {
 public:
  explicit Principals(Directory& directory) : directory_(directory) {}

  Principal make(TenantId tenant, const std::string& handle, PrincipalKind kind,
                 const AuditEvent& event) override {
    const std::lock_guard lock(directory_.mutex);
    TenantRecords& records = directory_.of(tenant, event);
    if (records.with_handle(handle) != nullptr) {
      throw Error(ErrorCode::kConflict, "a principal has this handle already");
    }
    records.record(event);
    return records.make_principal(handle, kind);
  }

  std::optional<Principal> find(TenantId tenant, const Uuid& id) override {
    const std::lock_guard lock(directory_.mutex);
    return find_in(directory_.seen(tenant).principals, id);
  }

  std::optional<Principal> find_handle(TenantId tenant, const std::string& handle) override {
    const std::lock_guard lock(directory_.mutex);
    const Principal* found = directory_.seen(tenant).with_handle(handle);
    if (found == nullptr) return std::nullopt;
    return *found;
  }

  std::vector<Principal> list(TenantId tenant) override {
    const std::lock_guard lock(directory_.mutex);
    auto principals = values_of(directory_.seen(tenant).principals);
    std::sort(principals.begin(), principals.end(),
              [](const Principal& a, const Principal& b) { return a.handle < b.handle; });
    return principals;
  }

  bool revoke(TenantId tenant, const Uuid& id, const AuditEvent& event) override {
    return revoke_in(directory_, &TenantRecords::principals, tenant, id, event);
  }

 private:
  Directory& directory_;
};

class Devices final : public DeviceStore {
 public:
  explicit Devices(Directory& directory) : directory_(directory) {}

  void add(TenantId tenant, const NewDevice& device, const AuditEvent& event) override {
    const std::lock_guard lock(directory_.mutex);
    TenantRecords& records = directory_.of(tenant, event);
    const Principal& principal = require_active(records.with_handle(device.handle));
    directory_.require_new(tenant, device);
    records.add_device(device, principal.id);
    records.record(event);
  }

  void add_record(TenantId tenant, const std::string& recipient, const std::string& envelope,
                  const AuditEvent& event) override {
    const std::lock_guard lock(directory_.mutex);
    TenantRecords& records = directory_.of(tenant, event);
    if (!records.devices.contains(recipient)) {
      throw Error(ErrorCode::kNotFound, "there is no such device");
    }
    records.file(recipient, envelope);
    records.record(event);
  }

  bool revoke(TenantId tenant, const std::string& recipient,
              const std::optional<std::string>& envelope, const AuditEvent& event) override {
    const std::lock_guard lock(directory_.mutex);
    TenantRecords& records = directory_.of(tenant, event);
    if (!revoke_in(records.devices, recipient)) return false;
    if (envelope) records.file(recipient, *envelope);
    records.record(event);
    return true;
  }

  std::vector<Device> list(TenantId tenant, const std::optional<std::string>& handle) override {
    const std::lock_guard lock(directory_.mutex);
    std::vector<Device> devices;
    for (const auto& [recipient, device] : directory_.seen(tenant).devices) {
      if (!handle || device.handle == *handle) devices.push_back(device);
    }
    std::stable_sort(devices.begin(), devices.end(),
                     [](const Device& a, const Device& b) { return a.handle < b.handle; });
    return devices;
  }

  std::optional<Device> find_recipient(TenantId tenant, const std::string& recipient) override {
    const std::lock_guard lock(directory_.mutex);
    return find_in(directory_.seen(tenant).devices, recipient);
  }

  std::optional<KeyHolder> find_key(const std::string& key_id) override {
    const std::lock_guard lock(directory_.mutex);
    for (const auto& [tenant, records] : directory_.tenants) {
      for (const auto& [recipient, device] : records.devices) {
        if (device.key_id != key_id) continue;
        const Principal& holder = records.principals.at(device.principal);
        return KeyHolder{tenant, device, holder.kind, holder.revoked.has_value(),
                         history_of(records, device.handle)};
      }
    }
    return std::nullopt;
  }

  std::vector<AcceptedRecord> history(TenantId tenant, const std::string& handle) override {
    const std::lock_guard lock(directory_.mutex);
    return history_of(directory_.seen(tenant), handle);
  }

 private:
  static std::vector<AcceptedRecord> history_of(const TenantRecords& records,
                                                const std::string& handle) {
    std::vector<AcceptedRecord> found;
    for (const AcceptedRecord& filed : records.history) {
      if (records.devices.at(filed.recipient).handle == handle) found.push_back(filed);
    }
    return found;
  }

  Directory& directory_;
};

class Machines final : public MachineStore {
 public:
  explicit Machines(Directory& directory) : directory_(directory) {}

  void add_certificate(TenantId tenant, const Uuid& principal, const Digest& spki_sha256,
                       const AuditEvent& event) override {
    const std::lock_guard lock(directory_.mutex);
    TenantRecords& records = directory_.of(tenant, event);
    records.require_machine(principal);
    require_new(&TenantRecords::certificates, spki_sha256);
    records.certificates.emplace(spki_sha256, Certificate{spki_sha256, principal, now(), {}});
    records.record(event);
  }

  bool revoke_certificate(TenantId tenant, const Digest& spki_sha256,
                          const AuditEvent& event) override {
    return revoke_in(directory_, &TenantRecords::certificates, tenant, spki_sha256, event);
  }

  std::vector<Certificate> certificates(TenantId tenant) override {
    const std::lock_guard lock(directory_.mutex);
    return by_time(values_of(directory_.seen(tenant).certificates));
  }

  std::optional<Machine> find_certificate(const Digest& spki_sha256) override {
    const std::lock_guard lock(directory_.mutex);
    for (const auto& [tenant, records] : directory_.tenants) {
      const auto found = find_in(records.certificates, spki_sha256);
      if (found && !found->revoked && records.is_active(found->principal)) {
        return Machine{
            tenant, found->principal, records.principals.at(found->principal).handle, {}};
      }
    }
    return std::nullopt;
  }

  void add_token(TenantId tenant, const NewMachineToken& token, const AuditEvent& event) override {
    const std::lock_guard lock(directory_.mutex);
    TenantRecords& records = directory_.of(tenant, event);
    records.require_machine(token.principal);
    require_new(&TenantRecords::tokens, token.sha256);
    if (!records.mailboxes.contains(token.mailbox)) {
      throw Error(ErrorCode::kNotFound, "there is no such mailbox");
    }
    records.tokens.emplace(token.sha256, MachineToken{token, now(), {}});
    records.record(event);
  }

  bool revoke_token(TenantId tenant, const Digest& sha256, const AuditEvent& event) override {
    return revoke_in(directory_, &TenantRecords::tokens, tenant, sha256, event);
  }

  std::vector<MachineToken> tokens(TenantId tenant) override {
    const std::lock_guard lock(directory_.mutex);
    return by_time(values_of(directory_.seen(tenant).tokens));
  }

  std::optional<Machine> find_token(const Digest& sha256, const std::string& peer) override {
    const std::lock_guard lock(directory_.mutex);
    for (const auto& [tenant, records] : directory_.tenants) {
      const auto found = find_in(records.tokens, sha256);
      if (found && !found->revoked && records.is_active(found->principal) &&
          found->range.contains(peer)) {
        return Machine{tenant, found->principal, records.principals.at(found->principal).handle,
                       found->mailbox};
      }
    }
    return std::nullopt;
  }

 private:
  // In no tenant of the gateway.
  template <typename Map>
  void require_new(Map TenantRecords::*map, const Digest& digest) const {
    for (const auto& [tenant, records] : directory_.tenants) {
      if ((records.*map).contains(digest)) {
        throw Error(ErrorCode::kConflict, "this certificate or token was added before");
      }
    }
  }

  template <typename Added>
  static std::vector<Added> by_time(std::vector<Added> all) {
    std::stable_sort(all.begin(), all.end(),
                     [](const Added& a, const Added& b) { return a.added < b.added; });
    return all;
  }

  Directory& directory_;
};

class Invitations final : public InvitationStore {
 public:
  explicit Invitations(Directory& directory) : directory_(directory) {}

  void make(TenantId tenant, const NewInvitation& invitation, const AuditEvent& event) override {
    const std::lock_guard lock(directory_.mutex);
    TenantRecords& records = directory_.of(tenant, event);
    if (invitation.made_by && !records.principals.contains(*invitation.made_by)) {
      throw Error(ErrorCode::kNotFound, "there is no such principal");
    }
    if (!records.invitations.emplace(invitation.token_sha256, Invitation{invitation, now(), {}, {}})
             .second) {
      throw Error(ErrorCode::kConflict, "an invitation has this token already");
    }
    records.record(event);
  }

  std::vector<Invitation> list(TenantId tenant) override {
    const std::lock_guard lock(directory_.mutex);
    auto invitations = values_of(directory_.seen(tenant).invitations);
    std::stable_sort(invitations.begin(), invitations.end(),
                     [](const Invitation& a, const Invitation& b) { return a.made < b.made; });
    return invitations;
  }

  std::optional<Principal> redeem(TenantId tenant, const Digest& token_sha256,
                                  const NewDevice& device, const AuditEvent& event) override {
    const std::lock_guard lock(directory_.mutex);
    if (!directory_.seen(tenant).invitations.contains(token_sha256)) return std::nullopt;
    TenantRecords& records = directory_.of(tenant, event);
    Invitation& invitation = records.invitations.at(token_sha256);
    if (invitation.redeemed || invitation.handle != device.handle ||
        invitation.expires <= std::chrono::system_clock::now()) {
      return std::nullopt;
    }
    const Principal* known = records.with_handle(device.handle);
    if (known != nullptr && (known->revoked || known->kind != invitation.kind)) {
      return std::nullopt;
    }
    directory_.require_new(tenant, device);

    const Principal& principal =
        known != nullptr ? *known : records.make_principal(device.handle, invitation.kind);
    invitation.redeemed = now();
    invitation.redeemed_by = device.key_id;
    records.add_device(device, principal.id);
    AuditEvent enrolment = event;
    enrolment.principal = principal.id;
    records.record(enrolment);
    return principal;
  }

  bool withdraw(TenantId tenant, const Digest& token_sha256, const AuditEvent& event) override {
    const std::lock_guard lock(directory_.mutex);
    const auto found = find_in(directory_.seen(tenant).invitations, token_sha256);
    if (!found || found->redeemed) return false;
    TenantRecords& records = directory_.of(tenant, event);
    records.invitations.erase(token_sha256);
    records.record(event);
    return true;
  }

 private:
  Directory& directory_;
};

class Mailboxes final : public MailboxStore {
 public:
  explicit Mailboxes(Directory& directory) : directory_(directory) {}

  void put(TenantId tenant, const Mailbox& mailbox, const AuditEvent& event) override {
    require_sound_pause(mailbox.closes_after);
    const std::lock_guard lock(directory_.mutex);
    TenantRecords& records = directory_.of(tenant, event);
    for (const Uuid& depositor : mailbox.depositors) {
      if (!records.principals.contains(depositor)) {
        throw Error(ErrorCode::kNotFound, "a depositor is no principal");
      }
    }
    records.mailboxes.insert_or_assign(mailbox.name, mailbox);
    records.record(event);
  }

  std::optional<Mailbox> find(TenantId tenant, const std::string& name) override {
    const std::lock_guard lock(directory_.mutex);
    return find_in(directory_.seen(tenant).mailboxes, name);
  }

  std::vector<Mailbox> list(TenantId tenant) override {
    const std::lock_guard lock(directory_.mutex);
    return values_of(directory_.seen(tenant).mailboxes);
  }

  bool remove(TenantId tenant, const std::string& name, const AuditEvent& event) override {
    const std::lock_guard lock(directory_.mutex);
    if (!directory_.seen(tenant).mailboxes.contains(name)) return false;
    TenantRecords& records = directory_.of(tenant, event);
    records.mailboxes.erase(name);
    std::erase_if(records.tokens, [&](const auto& token) { return token.second.mailbox == name; });
    records.record(event);
    return true;
  }

 private:
  Directory& directory_;
};

class Nonces final : public NonceStore {
 public:
  explicit Nonces(Directory& directory) : directory_(directory) {}

  bool claim(TenantId tenant, const std::string& key_id, const std::string& nonce,
             std::chrono::sys_seconds expires) override {
    const std::lock_guard lock(directory_.mutex);
    const auto [place, fresh] = directory_.of(tenant).nonces.try_emplace({key_id, nonce}, expires);
    if (fresh) return true;
    if (place->second > std::chrono::system_clock::now()) return false;
    place->second = expires;
    return true;
  }

  std::size_t sweep(std::size_t limit) override {
    const std::lock_guard lock(directory_.mutex);
    std::size_t swept = 0;
    for (auto& [tenant, records] : directory_.tenants) {
      for (auto claim = records.nonces.begin(); claim != records.nonces.end() && swept < limit;) {
        const bool expired = claim->second <= std::chrono::system_clock::now();
        swept += expired ? 1 : 0;
        claim = expired ? records.nonces.erase(claim) : std::next(claim);
      }
    }
    return swept;
  }

 private:
  Directory& directory_;
};

class Audit final : public AuditStore {
 public:
  explicit Audit(Directory& directory) : directory_(directory) {}

  void append(TenantId tenant, const AuditEvent& event) override {
    const std::lock_guard lock(directory_.mutex);
    directory_.of(tenant, event).record(event);
  }

  std::vector<AuditRecord> read(TenantId tenant, const std::optional<Uuid>& after,
                                std::size_t limit) override {
    const std::lock_guard lock(directory_.mutex);
    const std::vector<AuditRecord>& trail = directory_.seen(tenant).trail;
    auto begin = trail.begin();
    if (after) {
      begin = std::find_if(trail.begin(), trail.end(),
                           [&](const AuditRecord& written) { return written.id == *after; });
      if (begin == trail.end()) throw Error(ErrorCode::kNotFound, "there is no such audit record");
      ++begin;
    }
    const auto left = static_cast<std::size_t>(trail.end() - begin);
    return {begin, begin + static_cast<std::ptrdiff_t>(std::min(limit, left))};
  }

 private:
  Directory& directory_;
};

}  // namespace

struct MemoryDirectory::Stores {
  Directory directory;
  Tenants tenants{directory};
  Principals principals{directory};
  Devices devices{directory};
  Machines machines{directory};
  Invitations invitations{directory};
  Mailboxes mailboxes{directory};
  Nonces nonces{directory};
  Audit audit{directory};
};

MemoryDirectory::MemoryDirectory() : stores_(std::make_unique<Stores>()) {}
MemoryDirectory::~MemoryDirectory() = default;

TenantStore& MemoryDirectory::tenants() noexcept {
  return stores_->tenants;
}
PrincipalStore& MemoryDirectory::principals() noexcept {
  return stores_->principals;
}
DeviceStore& MemoryDirectory::devices() noexcept {
  return stores_->devices;
}
MachineStore& MemoryDirectory::machines() noexcept {
  return stores_->machines;
}
InvitationStore& MemoryDirectory::invitations() noexcept {
  return stores_->invitations;
}
MailboxStore& MemoryDirectory::mailboxes() noexcept {
  return stores_->mailboxes;
}
NonceStore& MemoryDirectory::nonces() noexcept {
  return stores_->nonces;
}
AuditStore& MemoryDirectory::audit() noexcept {
  return stores_->audit;
}

}  // namespace letterbox::storage
