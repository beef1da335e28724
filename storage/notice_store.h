// Notices: that something happened to a delivery, for those whom it concerns.
//
// A notice is written in the transaction of what it tells, by whatever changes the delivery, and
// kept for kNoticesKept. It gets its *place* in the order of all a moment later, so that whoever
// has read up to a place has missed nothing before it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/uuid.h"
#include "storage/tenant_store.h"

namespace letterbox::storage {

/// Closed set: a switch over it has no `default`. Beside each stands whom it concerns.
enum class NoticeKind : std::uint8_t {
  kDelivered,  ///< a delivery became visible: recipients
  kShared,     ///< its recipients changed: its sender, and who are recipients now
  kCollected,  ///< a device had its first download: the sender
  kOpened,     ///< a device said that it opened it: the sender
  kExpiring,   ///< it ends soon, and somebody has fetched nothing of it: the sender
  kExpired,    ///< its time is over: sender and recipients
  kRevoked,    ///< it was taken back: sender and recipients
};

/// "delivered" and so on, as everybody is told it.
constexpr const char* to_string(NoticeKind kind) noexcept {
  switch (kind) {
    case NoticeKind::kDelivered:
      return "delivered";
    case NoticeKind::kShared:
      return "shared";
    case NoticeKind::kCollected:
      return "collected";
    case NoticeKind::kOpened:
      return "opened";
    case NoticeKind::kExpiring:
      return "expiring";
    case NoticeKind::kExpired:
      return "expired";
    case NoticeKind::kRevoked:
      return "revoked";
  }
  return "";
}

/// A place in the order of all notices; 0 is before the first one.
using NoticePlace = std::uint64_t;

struct Notice {
  NoticePlace place;
  Uuid id;
  NoticeKind kind;
  std::chrono::sys_seconds at;
  Uuid delivery;
  std::optional<std::string> recipient;  ///< age1…: the device that collected or opened
};

/// Who has notices that are new.
struct News {
  std::vector<std::pair<TenantId, Uuid>> readers;  ///< principals, each once
  NoticePlace upto;
};

/// Thread-safe. Every call may throw Error kUnavailable; a call that returned is durable.
class NoticeStore {
 public:
  virtual ~NoticeStore() = default;

  /// Gives at most `limit` notices their places, oldest first, and writes down whom each concerns
  /// at this moment. Returns how many; none while another gateway does it.
  virtual std::size_t place(std::size_t limit) = 0;

  /// The last place that was given.
  virtual NoticePlace last() = 0;
  /// Whom notices behind `after` concern, in all tenants.
  virtual News news(NoticePlace after) = 0;
  /// What concerns a principal, in order, from behind `after`; at most `limit`.
  virtual std::vector<Notice> read(TenantId tenant, const Uuid& principal, NoticePlace after,
                                   std::size_t limit) = 0;
  /// Where a notice stands; nothing if there is no such notice (any more).
  virtual std::optional<NoticePlace> find(TenantId tenant, const Uuid& notice) = 0;

  /// Makes notices kExpiring of closed deliveries that end within `warning` of `now`, or within the
  /// last quarter of their life if that is shorter, and of which some recipient but the sender has
  /// fetched nothing on any device. Each delivery is looked at once, at most `limit` of them;
  /// returns how many.
  virtual std::size_t warn(std::chrono::sys_seconds now, std::chrono::seconds warning,
                           std::size_t limit) = 0;
};

}  // namespace letterbox::storage
