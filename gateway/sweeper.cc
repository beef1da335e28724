#include "gateway/sweeper.h"

#include <string>

#include "base/log.h"

namespace letterbox::gateway {

namespace {

// Of each kind in one go. A transaction is short then, and a gateway that stops needn't wait.
constexpr std::size_t kBatch = 100;
// What somebody works on is found over again and again, and left: another sweep comes.
constexpr int kMostBatches = 1000;

}  // namespace

void warn_of_expiry(storage::Store& shelf, records::Time now, std::chrono::seconds warning) {
  for (int batch = 0; batch < kMostBatches; ++batch) {
    if (shelf.notices().warn(now, warning, kBatch) < kBatch) return;
  }
}

void sweep(storage::Store& shelf, Metrics& metrics, records::Time now) {
  storage::Lapsed all;
  for (int batch = 0; batch < kMostBatches; ++batch) {
    const storage::Lapsed some = shelf.sweep_lapsed(now, kBatch);
    if (!some.any()) break;
    metrics.swept(some);
    all.deliveries += some.deliveries;
    all.uploads += some.uploads;
    all.former_versions += some.former_versions;
    all.payloads += some.payloads;
    all.rows += some.rows;
    all.notices += some.notices;
    all.forgotten += some.forgotten;
  }
  if (!all.any()) return;
  log::info("swept what is over", {{"deliveries", std::to_string(all.deliveries)},
                                   {"uploads", std::to_string(all.uploads)},
                                   {"former_versions", std::to_string(all.former_versions)},
                                   {"payloads", std::to_string(all.payloads)},
                                   {"rows", std::to_string(all.rows)},
                                   {"notices", std::to_string(all.notices)},
                                   {"forgotten", std::to_string(all.forgotten)}});
}

}  // namespace letterbox::gateway
