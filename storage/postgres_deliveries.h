#pragma once

#include <pqxx/pqxx>

#include "storage/delivery_store.h"
#include "storage/pool.h"

namespace letterbox::storage {

class PostgresDeliveries final : public DeliveryStore {
 public:
  explicit PostgresDeliveries(Pool& pool) : pool_(pool) {}

  bool open(TenantId tenant, const NewDelivery& delivery, const AuditEvent& event) override;
  bool close(TenantId tenant, const Uuid& id, const std::string& manifest,
             const std::vector<Uuid>& files, const std::vector<Uuid>& indexes,
             const AuditEvent& event) override;
  using DeliveryStore::revoke;
  std::optional<std::string> revoke(TenantId tenant, const Uuid& id,
                                    const std::function<std::string()>& receipt,
                                    const AuditEvent& event) override;
  std::optional<DeliveryPart> part(TenantId tenant, const Uuid& id,
                                   const std::vector<std::uint32_t>& versions) override;
  std::optional<Delivery> find(TenantId tenant, const Uuid& id) override;
  std::optional<Audience> audience(TenantId tenant, const Uuid& id) override;
  InboxPage inbox(TenantId tenant, const std::string& recipient, const std::optional<Uuid>& after,
                  std::size_t limit) override;

 private:
  Pool& pool_;
};

DeliveryState state_of(std::string_view text);
inline DeliveryState state_of(const pqxx::field& field) {
  return state_of(std::string_view(field.c_str(), field.size()));
}

// The steps that a blob's last transaction takes here.

/// Opened and closed at once: nobody sees it in between, and its row is written once. Throws Error
/// kConflict if the id is taken, kNotFound if the sender is no principal of the tenant.
void insert_closed_delivery(pqxx::work& transaction, TenantId tenant, const NewDelivery& delivery,
                            const std::string& manifest);
/// What a delivery has beside its own row: its first cover, and whose inboxes it is in.
void insert_cover_and_recipients(pqxx::work& transaction, TenantId tenant,
                                 const NewDelivery& delivery);
/// Holds an open delivery open until the transaction ends; many may hold one. Throws Error
/// kNotFound, kConflict if it is closed.
void hold_open(pqxx::work& transaction, TenantId tenant, const Uuid& id);

}  // namespace letterbox::storage
