#include "gateway/routes/api_json.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json_text.h"
#include "crypto/base64.h"

namespace letterbox::gateway {

namespace {

using Json = nlohmann::ordered_json;

std::string base64(ByteView bytes) {
  return crypto::base64_encode(bytes, crypto::Padding::kRequired);
}

Json envelope(const std::string& json) {
  return Json::parse(json);
}

Json stored_object(const storage::FileSummary& file) {
  return {{"file", file.id.text()},
          {"length", file.payload_length},
          {"sha256", base64(file.payload_sha256)}};
}

Json delivery_object(const storage::Delivery& delivery) {
  Json covers = Json::array();
  for (const std::string& cover : delivery.covers) covers.push_back(envelope(cover));
  Json files = Json::array();
  for (const storage::FileSummary& file : delivery.files) files.push_back(stored_object(file));
  const auto sealed_by =
      delivery.sealed_by_gateway ? records::SealedBy::kGateway : records::SealedBy::kDevice;
  return {{"delivery", delivery.id.text()},
          {"sealed_by", records::to_text(sealed_by)},
          {"created", records::to_text(delivery.created)},
          {"expires", records::to_text(delivery.expires)},
          {"covers", std::move(covers)},
          {"manifest", delivery.manifest ? envelope(*delivery.manifest) : Json(nullptr)},
          {"files", std::move(files)}};
}

}  // namespace

DraftRequest parse_draft_request(std::string_view text) try {
  constexpr std::size_t kMostDepth = 2;
  if (fault_in_json(text, kMostDepth)) {
    throw Error(ErrorCode::kMalformed, "the request for a delivery isn't JSON");
  }
  const auto json = nlohmann::json::parse(text);
  for (const auto& member : json.items()) {
    const std::string& name = member.key();
    if (name != "recipients" && name != "expires") {
      throw Error(ErrorCode::kMalformed, "an unknown member in the request for a delivery");
    }
  }
  DraftRequest request{json.at("recipients").get<std::vector<std::string>>(), {}};
  if (json.contains("expires")) {
    request.expires = records::parse_time(json.at("expires").get<std::string>());
    if (!request.expires) throw Error(ErrorCode::kMalformed, "expires isn't a time");
  }
  return request;
} catch (const nlohmann::json::exception&) {
  // Its message quotes the input, so it goes nowhere.
  throw Error(ErrorCode::kMalformed,
              "the request for a delivery isn't JSON of the documented form");
}

std::string draft_json(const records::Cover& cover) {
  return Json{{"delivery", cover.delivery.text()}, {"cover", base64(records::cover_bytes(cover))}}
      .dump();
}

std::string stored_json(const storage::FileSummary& file) {
  return stored_object(file).dump();
}

std::string receipt_json(const Receipt& receipt, const records::SignedCover& cover) {
  Json json{{"delivery", receipt.file.delivery.text()}};
  json.update(stored_object(summary_of(receipt.file)));
  json["cover"] = envelope(records::to_json(cover.envelope));
  json["manifest"] = envelope(records::to_json(receipt.manifest));
  json["dropped"] = receipt.dropped;
  return json.dump();
}

std::string delivery_json(const storage::Delivery& delivery) {
  return delivery_object(delivery).dump();
}

std::string inbox_json(const std::vector<storage::Delivery>& deliveries,
                       const std::optional<Uuid>& next) {
  Json list = Json::array();
  for (const storage::Delivery& delivery : deliveries) list.push_back(delivery_object(delivery));
  return Json{{"deliveries", std::move(list)}, {"next", next ? Json(next->text()) : Json(nullptr)}}
      .dump();
}

}  // namespace letterbox::gateway
