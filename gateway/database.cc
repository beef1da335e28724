#include "gateway/database.h"

#include "base/error.h"

namespace letterbox::gateway {

Database::Database(const Config& config, DataDirectory& data, bool owner) {
  std::string connection = config.database;
  if (connection.empty()) {
    cluster_ = owner ? storage::PrivateCluster::start(data.cluster())
                     : storage::PrivateCluster::join(data.cluster());
    if (!cluster_) {
      throw Error(
          ErrorCode::kUnavailable,
          "the letterboxd that serves from this directory isn't ready; try again in a moment");
    }
    connection = cluster_->connection();
  }
  store_ = storage::open_postgres({.connection = connection,
                                   .pool_size = config.database_connections,
                                   .instance = data.instance()});
}

}  // namespace letterbox::gateway
