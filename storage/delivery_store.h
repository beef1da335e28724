// Deliveries: open from their cover, closed by their manifest, visible once closed.
//
// Storage keeps records as the bytes that were signed and knows none of their insides; what it
// needs for itself (times, who may find it) stands beside them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/uuid.h"
#include "storage/audit_store.h"
#include "storage/delivery_state.h"
#include "storage/tenant_store.h"

namespace letterbox::storage {

/// How often each device may download each file, where nobody says.
inline constexpr std::uint32_t kUsualDownloads = 10;

struct NewDelivery {
  Uuid id;
  Uuid sender;  ///< a principal of the tenant
  bool sealed_by_gateway;
  std::string cover;  ///< version 1: the DSSE envelope's JSON, kept verbatim
  std::chrono::sys_seconds created;
  std::chrono::sys_seconds expires;
  std::vector<std::string> recipients;  ///< the age1… strings of the cover: whose inbox it is in
  std::uint32_t downloads = kUsualDownloads;  ///< of each file by each device; at least 1
};

/// One file as a list shows it.
struct FileSummary {
  Uuid id;
  std::uint64_t payload_length;
  Digest payload_sha256;
};

struct Delivery {
  Uuid id;
  Uuid sender;
  DeliveryState state;
  bool sealed_by_gateway;
  std::chrono::sys_seconds created;
  std::chrono::sys_seconds expires;
  std::uint32_t downloads;
  std::vector<std::string> covers;      ///< envelopes, version 1 first
  std::optional<std::string> manifest;  ///< an envelope; there once closed
  std::vector<FileSummary> files;       ///< by id; without those that were removed
  std::vector<FileSummary> indexes;     ///< their indexes, by the file's id; not each has one
};

/// Some covers of a delivery, and how much there is under them.
struct DeliveryPart {
  std::vector<std::string>
      covers;  ///< envelopes of the versions that were asked for, in their order
  std::size_t files;
  std::size_t indexes;
};

/// Who may know of a delivery.
struct Audience {
  Uuid sender;
  std::vector<std::string> recipients;  ///< age1… strings, bytewise, each once
  DeliveryState state;
  std::uint32_t version;  ///< of the cover that is current
};

/// A part of an inbox.
struct InboxPage {
  std::vector<Delivery> deliveries;
  bool more;  ///< there are others, after the last one
};

/// A page of deliveries ends when their covers and manifests come to so much, whatever the limit.
inline constexpr std::size_t kPageRecords = std::size_t{4} * 1024 * 1024;

/// A tenant's calls find, change and collide with what is its own, whatever ids another one uses.
/// Thread-safe. Every call may throw Error kUnavailable; a call that returned is durable.
class DeliveryStore {
 public:
  virtual ~DeliveryStore() = default;

  // Each of the next three may be called again with the same bytes, by who lost the answer: it
  // changes nothing then, and records no event.

  /// True if this opened it, false if it was opened before: by this sender, with this very cover
  /// and these downloads, and lives. Throws Error kConflict if the id is taken otherwise, kNotFound
  /// if the sender is no principal of this tenant.
  virtual bool open(TenantId tenant, const NewDelivery& delivery, const AuditEvent& event) = 0;
  /// Makes an open delivery and its files visible, and drops its uploads that aren't complete.
  /// False if it was closed before, by this very manifest. Throws Error kConflict if it is closed
  /// by another one, holds no file, or `files` and `indexes` (the manifest's ids) aren't exactly
  /// its files and those of them that have an index; kNotFound.
  virtual bool close(TenantId tenant, const Uuid& id, const std::string& manifest,
                     const std::vector<Uuid>& files, const std::vector<Uuid>& indexes,
                     const AuditEvent& event) = 0;
  /// Takes a delivery back, whatever its state: its headers, those of former versions, MACs,
  /// uploads and inboxes forget it at once and for good, and the sealed bytes follow with
  /// Store::sweep_lapsed. From then on nothing but ReceiptStore finds it. Returns the deletion
  /// receipt that is kept: what `receipt` makes, an envelope, or that of whoever revoked it before.
  /// It may be empty, where nobody will ask for one. It is made while nobody else can change the
  /// delivery, perhaps more than once, and mustn't call the store. Nothing if there is no such
  /// delivery.
  virtual std::optional<std::string> revoke(TenantId tenant, const Uuid& id,
                                            const std::function<std::string()>& receipt,
                                            const AuditEvent& event) = 0;
  /// The same with one that is made.
  std::optional<std::string> revoke(TenantId tenant, const Uuid& id, const std::string& receipt,
                                    const AuditEvent& event) {
    return revoke(
        tenant, id, [&] { return receipt; }, event);
  }
  /// Whatever its state, unless expired or revoked.
  virtual std::optional<Delivery> find(TenantId tenant, const Uuid& id) = 0;
  /// Of the same delivery what some of its covers need: there may be a hundred of them, of 200 kB
  /// each. Nothing if it hasn't come to one of `versions`, either.
  virtual std::optional<DeliveryPart> part(TenantId tenant, const Uuid& id,
                                           const std::vector<std::uint32_t>& versions) = 0;
  /// The same delivery, if all that is asked is whose it is: one cheap query.
  virtual std::optional<Audience> audience(TenantId tenant, const Uuid& id) = 0;
  /// Closed, unexpired deliveries for this age1… key, oldest first, from after `after`; at most
  /// `limit`, and at least one if there is one. Their order is that of their ids, so the time they
  /// were opened: `after` pages through one listing, and is no mark to ask from for news, because
  /// what was open long comes in before it.
  virtual InboxPage inbox(TenantId tenant, const std::string& recipient,
                          const std::optional<Uuid>& after, std::size_t limit) = 0;
};

}  // namespace letterbox::storage
