// Studies as a PACS sends them: requests of many files, put into deliveries that stay open for
// more.
//
// A PACS often posts one instance a request. So the first request of a study opens a delivery, the
// next ones join it, and somebody who can sign manifests closes it when it has been quiet for a
// while. Which study, which instance and which bytes are told apart by MACs that the gateway makes
// under a key that isn't in the database.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/uuid.h"
#include "storage/audit_store.h"
#include "storage/blob_store.h"
#include "storage/delivery_store.h"
#include "storage/tenant_store.h"

namespace letterbox::storage {

/// Keyed by the gateway over what a value is and whose it is (mailbox, depositor), so that the same
/// study in two mailboxes doesn't look the same.
using Mac = std::array<Byte, 32>;

/// A study's delivery takes no more: its manifest names each file and index, and must stay an
/// envelope (records/dsse.h). Requests of up to kFewInstances aren't counted as they are stored,
/// so they may exceed it by what comes within a second.
inline constexpr std::size_t kMaxInstances = 4000;
inline constexpr std::size_t kFewInstances = 16;

/// However busy it is, a study's delivery is due so long after it was opened.
inline constexpr std::chrono::minutes kLongestOpen{30};

/// A file of a request and where it is known again. Its headers come last, because they follow from
/// the cover of the delivery that it gets into.
struct PlacedFile {
  Uuid id;
  Bytes header;
  Bytes index_header;
  Mac instance;  ///< of its SOP Instance UID
  Mac content;   ///< of its bytes
};

/// A delivery to be opened for a study.
struct NewStudy {
  NewDelivery delivery;
  std::string mailbox;
  /// Due when nothing came for so long; 0: at once, and no other request joins it.
  std::chrono::seconds closes_after;
  /// The study's open delivery as find_open gave it, if that isn't to be joined (it is full, or for
  /// other recipients). It takes nothing more, and is due.
  std::optional<Uuid> continues = {};
};

/// What a request brings of one study.
struct StudyCommit {
  Mac study;                          ///< of its Study Instance UID
  std::variant<Uuid, NewStudy> into;  ///< the open delivery to join, or one to open
  std::vector<PlacedFile> files;      ///< at least one, at most kMaxInstances; no instance twice
};

enum class CommitOutcome : std::uint8_t {
  kDone,
  /// Nothing was stored, because the study changed since it was looked at: the delivery to join
  /// closed or is full, another one was opened, or it has one of the instances by now. To be judged
  /// again (find_open, find), with headers for what comes out, and committed again.
  kMoved,
};

/// One request: files, one after the other, all visible together or not at all. What was appended
/// piles up invisibly, while the caller goes on, in constant memory; it is swept after a crash as
/// BlobWriter's is. For one thread at a time. Destroyed before a commit, it drops everything.
///
/// After a throw, of kInternal apart, only destroying it makes sense.
class RequestWriter {
 public:
  virtual ~RequestWriter() = default;

  /// Throws Error kInternal while a file is begun and not ended, here and below wherever the calls
  /// come in another order than begin_file, append…, end_file or drop_file.
  virtual void begin_file(const Uuid& id) = 0;
  /// As BlobWriter::append. May throw what storing earlier rows failed with: Error kUnavailable.
  virtual void append(Ciphertext row) = 0;
  /// The file is whole: `nonce` and its rows have this SHA-256.
  virtual void end_file(const std::array<Byte, 16>& nonce, const Digest& payload_sha256,
                        IndexPayload index) = 0;
  /// Forgets the file that was begun.
  virtual void drop_file() = 0;

  /// Stores the files that `studies` place, in one transaction; durable when it returns kDone.
  /// Files that nothing places are dropped then. Throws Error kConflict if a delivery or file id is
  /// taken, kNotFound if the sender of a new delivery is no principal of the tenant, kUnavailable
  /// (the outcome may be unknown), kInternal if a placed file wasn't ended here.
  [[nodiscard]] virtual CommitOutcome commit(const std::vector<StudyCommit>& studies,
                                             const AuditEvent& event) = 0;
};

/// A study's delivery that may be joined.
struct JoinableStudy {
  Uuid delivery;
  std::vector<std::string> covers;      ///< envelopes, version 1 first
  std::vector<std::string> recipients;  ///< age1… strings, bytewise, each once
  std::size_t instances;                ///< so far, or a second ago
};

/// An instance that a live delivery holds: neither expired, nor revoked, nor removed.
struct LiveInstance {
  Mac instance;
  Uuid delivery;  ///< DeliveryStore::audience says for whom
  Uuid file;
  Mac content;
  bool joinable;  ///< the delivery is the one that its study's requests join
};

/// A study's delivery that has no manifest yet.
struct OpenStudy {
  TenantId tenant;
  Uuid delivery;
  Uuid sender;
  std::string mailbox;
  std::vector<std::string> recipients;  ///< age1… strings, bytewise, each once
};

/// Thread-safe. Every call may throw Error kUnavailable.
class StudyStore {
 public:
  virtual ~StudyStore() = default;

  /// Asks nobody yet.
  virtual std::unique_ptr<RequestWriter> begin(TenantId tenant) = 0;

  virtual std::optional<JoinableStudy> find_open(TenantId tenant, const Mac& study) = 0;
  /// Where each of these instances is, in the order in which it came there. An instance that nobody
  /// has is in no element, one that was sent on to others or corrected may be in several.
  virtual std::vector<LiveInstance> find(TenantId tenant, const std::vector<Mac>& instances) = 0;

  /// What is to be closed at `now`, by the caller's clock, of all tenants; at most `limit`: what
  /// was quiet for as long as it says, or open for kLongestOpen, or is full, or was continued.
  /// Several gateways may see the same one: DeliveryStore::close lets one of them have it.
  virtual std::vector<OpenStudy> due(std::chrono::sys_seconds now, std::size_t limit) = 0;
  /// What may be joined, of all tenants, in the order of delivery ids, from after `after`.
  virtual std::vector<OpenStudy> joinable(const std::optional<Uuid>& after, std::size_t limit) = 0;
};

}  // namespace letterbox::storage
