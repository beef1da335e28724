#include "gateway/notices/notice_json.h"

#include <nlohmann/json.hpp>

#include "records/time.h"

namespace letterbox::gateway {

std::string notice_json(const storage::Notice& notice) {
  nlohmann::ordered_json json = {{"id", notice.id.text()},
                                 {"kind", storage::to_string(notice.kind)},
                                 {"time", records::to_text(notice.at)},
                                 {"delivery", notice.delivery.text()}};
  if (notice.recipient) json["recipient"] = *notice.recipient;
  return json.dump();
}

}  // namespace letterbox::gateway
