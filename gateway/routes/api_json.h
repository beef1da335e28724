// The JSON bodies of the HTTP interface (docs/api/README.md), to and from what they mean.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/deposit.h"
#include "records/cover.h"
#include "storage/delivery_store.h"

namespace letterbox::gateway {

/// Body of POST /v1/deliveries.
struct DraftRequest {
  std::vector<std::string> recipients;
  std::optional<records::Time> expires;
  std::optional<std::uint64_t> downloads;
};
/// Strict: these members and no others. Throws Error kMalformed.
DraftRequest parse_draft_request(std::string_view json);

/// Body of POST /v1/deliveries/{id}/confirmations: the version. Likewise.
std::uint32_t parse_confirmation(std::string_view json);

/// Answers.
std::string draft_json(const records::Cover& cover, std::uint32_t downloads);
std::string stored_json(const storage::FileSummary& file);
std::string receipt_json(const Receipt& receipt, const records::SignedCover& cover);
std::string delivery_json(const storage::Delivery& delivery);
std::string inbox_json(const std::vector<storage::Delivery>& deliveries,
                       const std::optional<Uuid>& next);

}  // namespace letterbox::gateway
