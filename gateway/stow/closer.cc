#include "gateway/stow/closer.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "gateway/directory/recipients.h"
#include "records/cover.h"
#include "records/manifest.h"

namespace letterbox::gateway::stow {

namespace {

constexpr std::size_t kPage = 100;
constexpr std::chrono::seconds kDueEvery{1};
// Nothing new gets into an outdated delivery anyway, so this needn't be quick.
constexpr int kOutdatedEvery = 10;

std::vector<records::ManifestEntry> entries_of(const std::vector<storage::FileSummary>& files) {
  std::vector<records::ManifestEntry> entries;
  for (const storage::FileSummary& file : files) {
    entries.push_back({file.id, file.payload_length, file.payload_sha256});
  }
  return entries;
}

std::vector<Uuid> ids_of(const std::vector<storage::FileSummary>& files) {
  std::vector<Uuid> ids;
  for (const storage::FileSummary& file : files) ids.push_back(file.id);
  return ids;
}

// Nobody's doing but the gateway's.
storage::AuditEvent gateway_did(storage::AuditKind kind, const Uuid& delivery) {
  return {.kind = kind, .object = delivery};
}

// Whether it is closed now, by this call or meanwhile by another gateway.
bool close_one(storage::Store& shelf, const crypto::SigningKey& gateway_key,
               const storage::OpenStudy& study) try {
  const auto delivery = shelf.deliveries().find(study.tenant, study.delivery);
  if (!delivery || delivery->state != storage::DeliveryState::kOpen) return true;
  if (delivery->files.empty()) {
    // All that came was taken back. A manifest names one file at least.
    shelf.deliveries().revoke(study.tenant, study.delivery, "",
                              gateway_did(storage::AuditKind::kRevocation, study.delivery));
    return true;
  }
  const records::SignedCover cover = records::verify_cover(
      records::parse_envelope(delivery->covers.front()), gateway_key.verify_key());
  const records::Envelope manifest =
      records::sign_manifest({.delivery = study.delivery,
                              .cover = cover.hash,
                              .closed = records::now(),
                              .files = entries_of(delivery->files),
                              .indexes = entries_of(delivery->indexes)},
                             gateway_key);
  shelf.deliveries().close(study.tenant, study.delivery, records::to_json(manifest),
                           ids_of(delivery->files), ids_of(delivery->indexes),
                           gateway_did(storage::AuditKind::kDeposit, study.delivery));
  return true;
} catch (const Error& error) {
  // A file came or went since it was looked at, or another gateway was quicker.
  if (error.code() == ErrorCode::kConflict) return false;
  if (error.code() == ErrorCode::kNotFound) return true;
  throw;
}

// Whom mailboxes stand for, each looked up once.
class MailboxRecipients {
 public:
  MailboxRecipients(storage::Store& shelf, const crypto::VerifyKey& gateway_key)
      : shelf_(shelf), gateway_key_(gateway_key) {}

  // age1… strings, bytewise; none where there is no mailbox any more, or nobody left in it.
  const std::vector<std::string>& of(storage::TenantId tenant, const std::string& mailbox) {
    const auto [place, is_new] = known_.try_emplace({tenant, mailbox});
    if (is_new) place->second = look_up(tenant, mailbox);
    return place->second;
  }

 private:
  std::vector<std::string> look_up(storage::TenantId tenant, const std::string& name) {
    const auto mailbox = shelf_.mailboxes().find(tenant, name);
    if (!mailbox) return {};
    std::vector<std::string> recipients;
    try {
      for (const records::Device& device :
           resolve_mailbox({shelf_.devices(), tenant, gateway_key_}, mailbox->recipients)) {
        recipients.push_back(device.record.recipient.text());
      }
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kConflict) throw;
    }
    std::sort(recipients.begin(), recipients.end());
    return recipients;
  }

  storage::Store& shelf_;
  const crypto::VerifyKey& gateway_key_;
  std::map<std::pair<storage::TenantId, std::string>, std::vector<std::string>> known_;
};

}  // namespace

void close_due(storage::Store& shelf, const crypto::SigningKey& gateway_key, records::Time now) {
  while (true) {
    const std::vector<storage::OpenStudy> due = shelf.studies().due(now, kPage);
    const auto closed = std::ranges::count_if(
        due, [&](const storage::OpenStudy& study) { return close_one(shelf, gateway_key, study); });
    // A full page of which none could be closed would come again.
    if (due.size() < kPage || closed == 0) return;
  }
}

void close_outdated(storage::Store& shelf, const crypto::SigningKey& gateway_key) {
  MailboxRecipients now(shelf, gateway_key.verify_key());
  std::optional<Uuid> after;
  while (true) {
    const std::vector<storage::OpenStudy> open = shelf.studies().joinable(after, kPage);
    for (const storage::OpenStudy& study : open) {
      if (study.recipients != now.of(study.tenant, study.mailbox)) {
        close_one(shelf, gateway_key, study);
      }
    }
    if (open.size() < kPage) return;
    after = open.back().delivery;
  }
}

Closer::Closer(storage::Store& shelf, const crypto::SigningKey& gateway_key)
    : shelf_(shelf),
      gateway_key_(gateway_key),
      repeated_(kDueEvery, "studies not closed; tried again", [this] { close(); }) {}

void Closer::close() {
  close_due(shelf_, gateway_key_, records::now());
  if (round_++ % kOutdatedEvery == 0) close_outdated(shelf_, gateway_key_);
}

}  // namespace letterbox::gateway::stow
