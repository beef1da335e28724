// A contract suite runs on the store in memory and on the one on PostgreSQL.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "storage/store.h"
#include "tests/storage/database.h"
#include "tests/storage/sample.h"

namespace letterbox::storage::testing {

enum class Kind { kMemory, kPostgres };

/// A fresh one.
inline std::unique_ptr<Store> make_store(Kind kind) {
  return kind == Kind::kMemory ? open_memory()
                               : open_postgres(options_for(fresh_database(shared_cluster())));
}

/// A fresh store, with a tenant and somebody in it who sends.
class BothStores : public ::testing::TestWithParam<Kind> {
 protected:
  std::unique_ptr<Store> store_ = make_store(GetParam());
  const TenantId tenant_ = some_tenant(*store_);
  const Uuid sender_ = some_principal(*store_, tenant_, "sender@here").id;

  NewDelivery opened() {
    NewDelivery delivery = some_delivery(sender_);
    store_->deliveries().open(tenant_, delivery, some_event());
    return delivery;
  }
  /// A closed delivery of this one file.
  NewDelivery delivered(SealedFile& file) {
    NewDelivery delivery = some_delivery(sender_);
    file.record.delivery = delivery.id;
    deliver(*store_, tenant_, file, delivery);
    return delivery;
  }
  std::size_t events() { return store_->audit().read(tenant_, std::nullopt, 10'000).size(); }
};

inline std::string name_of(const ::testing::TestParamInfo<Kind>& instance) {
  return instance.param == Kind::kMemory ? "Memory" : "Postgres";
}

}  // namespace letterbox::storage::testing
