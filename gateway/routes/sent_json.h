// What became of what was sent, as JSON (docs/api/README.md).
#pragma once

#include <string>

#include "records/time.h"
#include "storage/receipt_store.h"

namespace letterbox::gateway {

std::string sent_json(const storage::SentDelivery& delivery);
std::string sent_json(const storage::SentPage& page);

}  // namespace letterbox::gateway
