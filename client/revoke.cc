#include "client/revoke.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "client/answers.h"
#include "client/commands.h"
#include "client/files.h"
#include "client/refused.h"
#include "client/terminal.h"
#include "records/deletion_receipt.h"

namespace letterbox::client {

namespace {

// The hash of version 1, where the delivery's covers verify.
std::optional<crypto::CoverHash> first_cover(Caller& us, const Uuid& id) try {
  const SentAnswer sent =
      parse_sent_answer(us.gateway().get("/v1/deliveries/" + id.text() + "/receipts"));
  if (sent.covers.empty()) return std::nullopt;
  return us.verify_covers(id, sent.covers).first().hash();
} catch (const Refused& refusal) {
  notice(std::string("the covers of the delivery don't verify: ") + refusal.what() +
             "; it is taken back all the same, and its receipt isn't held against them",
         us.session().json);
  return std::nullopt;
} catch (const Error& error) {
  if (error.code() != ErrorCode::kNotFound && error.code() != ErrorCode::kMalformed) throw;
  return std::nullopt;  // to take it back finds out
}

}  // namespace

std::string backups_text(const std::optional<records::Time>& lapse) {
  return lapse ? "backups that may hold one lapse by " + records::to_text(*lapse)
               : "whoever runs it has named no date by which backups lapse";
}

void revoke(const Session& session, const std::string& text) {
  const auto id = Uuid::parse(text);
  if (!id) throw Error(ErrorCode::kUsage, "that isn't the id of a delivery (a UUIDv7)");
  Caller us(session);
  us.check_active();
  revoke(us, *id);
}

void revoke(Caller& us, const Uuid& id) {
  const auto cover = first_cover(us, id);
  const std::string answer = us.gateway().remove("/v1/deliveries/" + id.text());

  const auto envelope =
      checked(checks::kDeletionReceipt, [&] { return records::parse_envelope(answer); });
  const records::DeletionReceipt receipt = checked(checks::kDeletionReceipt, [&] {
    return records::verify_deletion_receipt(envelope, us.trusted_gateway().signing_key);
  });
  if (receipt.delivery != id)
    throw Refused(checks::kDeletionReceipt, ErrorCode::kIntegrity,
                  "it is that of another delivery");
  if (cover && receipt.cover != *cover)
    throw Refused(checks::kDeletionReceipt, ErrorCode::kIntegrity,
                  "it names another cover than the delivery's");
  replace_file(us.session().home.deletions() / (id.text() + ".json"),
               as_bytes(records::to_json(envelope) + "\n"));

  if (us.session().json) {
    std::cout << nlohmann::json{{"delivery", id.text()},
                                {"deleted", records::to_text(receipt.deleted)},
                                {"store", "live"},
                                {"backups_lapse",
                                 receipt.backups_lapse
                                     ? nlohmann::json(records::to_text(*receipt.backups_lapse))
                                     : nlohmann::json(nullptr)},
                                {"receipt", nlohmann::json::parse(records::to_json(envelope))}}
              << '\n';
    return;
  }
  std::cout << "revoked " << id.text() << "\nthe gateway signs: its live store holds no header of "
            << "it since " << records::to_text(receipt.deleted) << "; "
            << backups_text(receipt.backups_lapse)
            << "\nwhoever fetched it before may have kept it\n";
}

}  // namespace letterbox::client
