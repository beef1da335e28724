// Takes away what is over: deliveries that expired, uploads that nobody goes on with, former
// versions that nobody confirmed, and the bytes that were theirs.
#pragma once

#include <chrono>

#include "gateway/metrics.h"
#include "records/time.h"
#include "storage/store.h"

namespace letterbox::gateway {

/// Tells the senders of what ends unread within `warning`, a bounded number of deliveries at a
/// time. Throws Error kUnavailable. Thread-safe, likewise.
void warn_of_expiry(storage::Store& shelf, records::Time now, std::chrono::seconds warning);

/// Sweeps until nothing is over at `now`, a bounded number of things at a time; what it took away
/// is counted and logged. Throws Error kUnavailable. Thread-safe, and several gateways may do it
/// over one store.
void sweep(storage::Store& shelf, Metrics& metrics, records::Time now);

}  // namespace letterbox::gateway
