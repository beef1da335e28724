// The database behind a gateway: an external one, or the private cluster of its data directory.
#pragma once

#include <memory>

#include "gateway/config.h"
#include "gateway/data_directory.h"
#include "storage/private_cluster.h"
#include "storage/store.h"

namespace letterbox::gateway {

class Database {
 public:
  /// Starts the private cluster (or joins the one that a serving letterboxd has started, if `owner`
  /// is false) unless the configuration names a database. Then connects and migrates. Throws Error
  /// kConfiguration, kFile, kUnavailable.
  Database(const Config& config, DataDirectory& data, bool owner);

  storage::Store& store() noexcept { return *store_; }
  /// False once the private cluster's server has ended; an external one is others' business.
  bool running() { return !cluster_ || cluster_->running(); }

 private:
  std::unique_ptr<storage::PrivateCluster> cluster_;
  std::unique_ptr<storage::Store> store_;
};

}  // namespace letterbox::gateway
