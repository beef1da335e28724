#include "client/revoke.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "client/commands.h"
#include "client/files.h"
#include "client/refused.h"
#include "records/deletion_receipt.h"

namespace letterbox::client {

void revoke(const Session& session, const std::string& text) {
  const auto id = Uuid::parse(text);
  if (!id) throw Error(ErrorCode::kUsage, "that isn't the id of a delivery (a UUIDv7)");
  Caller us(session);
  us.check_active();
  revoke(us, *id);
}

void revoke(Caller& us, const Uuid& id) {
  const std::string answer = us.gateway().remove("/v1/deliveries/" + id.text());

  const auto envelope =
      checked(checks::kDeletionReceipt, [&] { return records::parse_envelope(answer); });
  const records::DeletionReceipt receipt = checked(checks::kDeletionReceipt, [&] {
    return records::verify_deletion_receipt(envelope, us.trusted_gateway().signing_key);
  });
  if (receipt.delivery != id)
    throw Refused(checks::kDeletionReceipt, ErrorCode::kIntegrity,
                  "it is that of another delivery");
  replace_file(us.session().home.deletions() / (id.text() + ".json"),
               as_bytes(records::to_json(envelope) + "\n"));

  if (us.session().json) {
    std::cout << nlohmann::json{{"delivery", id.text()},
                                {"deleted", records::to_text(receipt.deleted)},
                                {"store", "live"},
                                {"backups_lapse", records::to_text(receipt.backups_lapse)},
                                {"receipt", nlohmann::json::parse(records::to_json(envelope))}}
              << '\n';
    return;
  }
  std::cout << "revoked " << id.text() << "\nthe gateway signs: its live store holds no header of "
            << "it since " << records::to_text(receipt.deleted)
            << "; backups that may hold one lapse by " << records::to_text(receipt.backups_lapse)
            << "\nwhoever fetched it before may have kept it\n";
}

}  // namespace letterbox::client
