#include "gateway/routes/sent_json.h"

#include <map>
#include <nlohmann/json.hpp>

#include "gateway/covers.h"

namespace letterbox::gateway {

namespace {

using Json = nlohmann::ordered_json;

Json envelope_or_null(const std::optional<std::string>& envelope) {
  return envelope ? Json::parse(*envelope) : Json(nullptr);
}

Json time_or_null(const std::optional<records::Time>& time) {
  return time ? Json(records::to_text(*time)) : Json(nullptr);
}

// The handle that each device stands under, in whichever version lists it: a key keeps its handle
// in all of them.
std::map<std::string, std::string> handles_in(const std::vector<std::string>& covers) {
  std::map<std::string, std::string> handles;
  for (const std::string& cover : covers) {
    for (const records::CoverRecipient& recipient : read_cover(cover).recipients) {
      handles.emplace(recipient.recipient.text(), recipient.handle.text());
    }
  }
  return handles;
}

Json sent_object(const storage::SentDelivery& delivery) {
  Json covers = Json::array();
  for (const std::string& cover : delivery.covers) covers.push_back(Json::parse(cover));
  const auto handles = handles_in(delivery.covers);
  Json devices = Json::array();
  for (const storage::DeviceProgress& device : delivery.devices) {
    const auto handle = handles.find(device.recipient);
    devices.push_back({{"handle", handle == handles.end() ? Json(nullptr) : Json(handle->second)},
                       {"recipient", device.recipient},
                       {"listed", device.listed},
                       {"collected", time_or_null(device.collected)},
                       {"opened", envelope_or_null(device.opened)}});
  }
  return {{"delivery", delivery.id.text()},
          {"state", storage::to_string(delivery.state)},
          {"created", records::to_text(delivery.created)},
          {"expires", records::to_text(delivery.expires)},
          {"downloads", delivery.downloads},
          {"files", delivery.files},
          {"bytes", delivery.bytes},
          {"covers", std::move(covers)},
          {"manifest", envelope_or_null(delivery.manifest)},
          {"deleted", envelope_or_null(delivery.deletion_receipt)},
          {"devices", std::move(devices)}};
}

}  // namespace

std::string sent_json(const storage::SentDelivery& delivery) {
  return sent_object(delivery).dump();
}

std::string sent_json(const storage::SentPage& page) {
  Json list = Json::array();
  for (const storage::SentDelivery& delivery : page.deliveries) {
    list.push_back(sent_object(delivery));
  }
  const Json next = page.more ? Json(page.deliveries.back().id.text()) : Json(nullptr);
  return Json{{"deliveries", std::move(list)}, {"next", next}}.dump();
}

}  // namespace letterbox::gateway
