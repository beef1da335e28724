#include "storage/memory_notices.h"

#include <algorithm>
#include <set>

#include "base/error.h"

namespace letterbox::storage {

namespace {

std::optional<Uuid> owner_of(MemoryShelf& shelf, TenantId tenant, const std::string& recipient) {
  const auto device = shelf.directory.devices().find_recipient(tenant, recipient);
  if (!device) return std::nullopt;
  return device->principal;
}

// As NoticeKind says. Nobody is written to about what they sent.
std::map<Uuid, bool> readers_of(MemoryShelf& shelf, TenantId tenant, const MemoryDelivery& delivery,
                                NoticeKind kind) {
  const Uuid& sender = delivery.opened.sender;
  std::map<Uuid, bool> readers;
  const bool is_news = kind == NoticeKind::kDelivered || kind == NoticeKind::kShared;
  if (is_news || kind == NoticeKind::kExpired || kind == NoticeKind::kRevoked) {
    for (const std::string& recipient : delivery.recipients) {
      const auto owner = owner_of(shelf, tenant, recipient);
      if (owner) readers.emplace(*owner, is_news && owner != sender);
    }
  }
  if (kind != NoticeKind::kDelivered) readers.emplace(sender, kind == NoticeKind::kExpiring);
  return readers;
}

bool is_unread(MemoryShelf& shelf, TenantId tenant, const MemoryDelivery& delivery) {
  std::map<std::optional<Uuid>, bool> fetched;
  for (const std::string& recipient : delivery.recipients) {
    const auto owner = owner_of(shelf, tenant, recipient);
    if (owner == delivery.opened.sender) continue;
    const auto progress = delivery.progress.find(recipient);
    fetched[owner] |= progress != delivery.progress.end() &&
                      (progress->second.collected || progress->second.opened);
  }
  return std::ranges::any_of(fetched, [](const auto& one) { return !one.second; });
}

void add(Backlog& backlog, const Notice& notice) {
  ++backlog.notices;
  backlog.oldest = std::min(backlog.oldest.value_or(notice.at), notice.at);
}

}  // namespace

std::size_t MemoryNotices::place(std::size_t limit) {
  const std::lock_guard lock(shelf_.mutex);
  std::size_t placed = 0;
  for (auto& [tenant, own] : shelf_.tenants) {
    for (MemoryNotice& made : own.notices) {
      if (made.notice.place > 0) continue;
      if (placed == limit) return placed;
      made.notice.place = ++shelf_.last_place;
      const auto delivery = own.deliveries.find(made.notice.delivery);
      if (delivery != own.deliveries.end()) {
        made.readers = readers_of(shelf_, tenant, delivery->second, made.notice.kind);
      }
      ++placed;
    }
  }
  return placed;
}

NoticePlace MemoryNotices::last() {
  const std::lock_guard lock(shelf_.mutex);
  return shelf_.last_place;
}

News MemoryNotices::news(NoticePlace after) {
  const std::lock_guard lock(shelf_.mutex);
  std::set<std::pair<TenantId, Uuid>> readers;
  News news{{}, after};
  for (const auto& [tenant, own] : shelf_.tenants) {
    for (const MemoryNotice& one : own.notices) {
      if (one.notice.place <= after || one.readers.empty()) continue;
      for (const auto& [principal, by_mail] : one.readers) readers.emplace(tenant, principal);
      news.upto = std::max(news.upto, one.notice.place);
    }
  }
  news.readers.assign(readers.begin(), readers.end());
  return news;
}

std::vector<Notice> MemoryNotices::read(TenantId tenant, const Uuid& principal, NoticePlace after,
                                        std::size_t limit) {
  const std::lock_guard lock(shelf_.mutex);
  std::vector<Notice> found;
  for (const MemoryNotice& one : shelf_.tenants[tenant].notices) {
    if (one.notice.place > after && one.readers.contains(principal)) found.push_back(one.notice);
  }
  std::ranges::sort(found, {}, &Notice::place);
  if (found.size() > limit) found.resize(limit);
  return found;
}

std::optional<NoticePlace> MemoryNotices::find(TenantId tenant, const Uuid& notice) {
  const std::lock_guard lock(shelf_.mutex);
  for (const MemoryNotice& one : shelf_.tenants[tenant].notices) {
    if (one.notice.id == notice && one.notice.place > 0) return one.notice.place;
  }
  return std::nullopt;
}

std::size_t MemoryNotices::warn(std::chrono::sys_seconds now, std::chrono::seconds warning,
                                std::size_t limit) {
  const std::lock_guard lock(shelf_.mutex);
  std::size_t looked_at = 0;
  for (auto& [tenant, own] : shelf_.tenants) {
    for (auto& [id, delivery] : own.deliveries) {
      const NewDelivery& opened = delivery.opened;
      const bool is_due = delivery.state == DeliveryState::kClosed && !delivery.warned &&
                          opened.expires > now && opened.expires <= now + warning &&
                          opened.expires - (opened.expires - opened.created) / 4 <= now;
      if (!is_due || looked_at == limit) continue;
      ++looked_at;
      delivery.warned = true;
      if (is_unread(shelf_, tenant, delivery)) own.notice(NoticeKind::kExpiring, id);
    }
  }
  return looked_at;
}

void MemoryWebhooks::put(TenantId tenant, const std::optional<Webhook>& webhook,
                         const AuditEvent& event) {
  const std::lock_guard lock(shelf_.mutex);
  MemoryTenant& own = shelf_.tenants[tenant];
  const bool same = webhook ? own.webhook && own.webhook->first == *webhook : !own.webhook;
  if (same) return;
  shelf_.record(tenant, event);
  if (!webhook) {
    own.webhook.reset();
  } else {
    const NoticePlace told = own.webhook ? own.webhook->second.told : shelf_.last_place;
    own.webhook = {*webhook, MemoryTelling{told}};
  }
}

std::optional<Webhook> MemoryWebhooks::find(TenantId tenant) {
  const std::lock_guard lock(shelf_.mutex);
  const auto& webhook = shelf_.tenants[tenant].webhook;
  if (!webhook) return std::nullopt;
  return webhook->first;
}

std::optional<WebhookTurn> MemoryWebhooks::take(std::chrono::sys_seconds now,
                                                std::chrono::sys_seconds until, std::size_t limit) {
  const std::lock_guard lock(shelf_.mutex);
  MemoryTelling* longest = nullptr;
  std::optional<WebhookTurn> turn;
  for (auto& [tenant, own] : shelf_.tenants) {
    if (!own.webhook) continue;
    auto& [webhook, telling] = *own.webhook;
    if (telling.next_try > now || (longest != nullptr && longest->next_try <= telling.next_try)) {
      continue;
    }
    WebhookTurn one{tenant, webhook, telling.failures, {}};
    for (const MemoryNotice& made : own.notices) {
      if (made.notice.place > telling.told) one.notices.push_back(made.notice);
    }
    if (one.notices.empty()) continue;
    longest = &telling;
    turn = std::move(one);
  }
  if (!turn) return std::nullopt;
  longest->next_try = until;
  std::ranges::sort(turn->notices, {}, &Notice::place);
  if (turn->notices.size() > limit) turn->notices.resize(limit);
  return turn;
}

void MemoryWebhooks::told(TenantId tenant, NoticePlace place) {
  const std::lock_guard lock(shelf_.mutex);
  auto& webhook = shelf_.tenants[tenant].webhook;
  if (!webhook) return;
  webhook->second.told = std::max(webhook->second.told, place);
  webhook->second.failures = 0;
}

void MemoryWebhooks::done(TenantId tenant, bool in_vain, std::chrono::sys_seconds next) {
  const std::lock_guard lock(shelf_.mutex);
  auto& webhook = shelf_.tenants[tenant].webhook;
  if (!webhook) return;
  webhook->second.failures = in_vain ? webhook->second.failures + 1 : 0;
  webhook->second.next_try = next;
}

Backlog MemoryWebhooks::backlog() {
  const std::lock_guard lock(shelf_.mutex);
  Backlog backlog;
  for (const auto& [tenant, own] : shelf_.tenants) {
    for (const MemoryNotice& one : own.notices) {
      if (own.webhook && one.notice.place > own.webhook->second.told) add(backlog, one.notice);
    }
  }
  return backlog;
}

void MemoryMail::put(TenantId tenant, const Uuid& principal,
                     const std::optional<std::string>& address, const AuditEvent& event) {
  const std::lock_guard lock(shelf_.mutex);
  if (!shelf_.directory.principals().find(tenant, principal)) {
    throw Error(ErrorCode::kNotFound, "there is no such principal");
  }
  auto& mail = shelf_.tenants[tenant].mail;
  const auto known = mail.find(principal);
  const bool same =
      address ? known != mail.end() && known->second.first == *address : known == mail.end();
  if (same) return;
  shelf_.record(tenant, event);
  if (!address) {
    mail.erase(known);
  } else {
    const NoticePlace told = known == mail.end() ? shelf_.last_place : known->second.second.told;
    mail[principal] = {*address, MemoryTelling{told}};
  }
}

std::optional<std::string> MemoryMail::find(TenantId tenant, const Uuid& principal) {
  const std::lock_guard lock(shelf_.mutex);
  const auto& mail = shelf_.tenants[tenant].mail;
  const auto known = mail.find(principal);
  if (known == mail.end()) return std::nullopt;
  return known->second.first;
}

std::optional<MailTurn> MemoryMail::take(std::chrono::sys_seconds now,
                                         std::chrono::sys_seconds until) {
  const std::lock_guard lock(shelf_.mutex);
  MemoryTelling* longest = nullptr;
  std::optional<MailTurn> turn;
  for (auto& [tenant, own] : shelf_.tenants) {
    for (auto& [principal, mail] : own.mail) {
      auto& [address, telling] = mail;
      if (telling.next_try > now || (longest != nullptr && longest->next_try <= telling.next_try)) {
        continue;
      }
      bool is_due = false;
      NoticePlace upto = 0;
      for (const MemoryNotice& one : own.notices) {
        const auto reader = one.readers.find(principal);
        if (reader == one.readers.end()) continue;
        upto = std::max(upto, one.notice.place);
        is_due |= reader->second && one.notice.place > telling.told;
      }
      const auto holder = shelf_.directory.principals().find(tenant, principal);
      if (!is_due || !holder || holder->revoked) continue;
      longest = &telling;
      turn = MailTurn{tenant, principal, address, telling.failures, upto};
    }
  }
  if (turn) longest->next_try = until;
  return turn;
}

void MemoryMail::told(const MailTurn& turn, std::chrono::sys_seconds next) {
  const std::lock_guard lock(shelf_.mutex);
  auto& mail = shelf_.tenants[turn.tenant].mail;
  const auto known = mail.find(turn.principal);
  if (known == mail.end()) return;
  known->second.second = {std::max(known->second.second.told, turn.upto), 0, next};
}

void MemoryMail::in_vain(const MailTurn& turn, std::chrono::sys_seconds next) {
  const std::lock_guard lock(shelf_.mutex);
  auto& mail = shelf_.tenants[turn.tenant].mail;
  const auto known = mail.find(turn.principal);
  if (known == mail.end()) return;
  ++known->second.second.failures;
  known->second.second.next_try = next;
}

Backlog MemoryMail::backlog() {
  const std::lock_guard lock(shelf_.mutex);
  Backlog backlog;
  for (const auto& [tenant, own] : shelf_.tenants) {
    for (const MemoryNotice& one : own.notices) {
      for (const auto& [principal, by_mail] : one.readers) {
        const auto mail = own.mail.find(principal);
        if (by_mail && mail != own.mail.end() && one.notice.place > mail->second.second.told) {
          add(backlog, one.notice);
        }
      }
    }
  }
  return backlog;
}

}  // namespace letterbox::storage
