// The shelf: sealed files, kept as rows of ciphertext.
//
// A file comes in two steps. While it is *staged* its rows pile up, invisible, in short
// transactions of their own, so that a slow upload holds no connection and no lock. One last
// transaction makes it a file of its delivery; when that returns, the file is durable. What a crash
// leaves staged is swept by Store::sweep (storage/store.h).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/uuid.h"
#include "storage/delivery_store.h"

namespace letterbox::storage {

/// What is known of a stored file beside its rows.
struct FileRecord {
  Uuid id;
  Uuid delivery;
  Bytes header;                  ///< the age header, whole
  std::array<Byte, 16> nonce;    ///< the payload's nonce
  std::uint64_t payload_length;  ///< nonce and chunks: 16 + all rows
  Digest payload_sha256;         ///< of nonce and chunks
  std::uint32_t version = 1;     ///< of the cover that the header is made for
};

/// A sealed index without its header: nonce and one row.
struct IndexPayload {
  std::array<Byte, 16> nonce;
  Ciphertext row;
  Digest sha256;  ///< of nonce and row
};

/// What a recipient may look at before fetching a file: a small age file of its own, which has the
/// file's id (docs/format.md, "The index").
struct SealedIndex {
  Bytes header;
  IndexPayload payload;
};

/// A file being stored. For one thread at a time. Destroyed before a commit, it drops what was
/// staged (or, where the database is away, leaves it to the sweep).
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;

  /// Adds the next row: all but the last must be 16 STREAM chunks (1,048,832 bytes) long. The row
  /// is not durable yet. Throws Error kUnavailable; kQuotaExceeded, some rows after the tenant has
  /// no room for them any more.
  virtual void append(const Ciphertext& row) = 0;

  /// Makes the file part of its open delivery; durable when it returns. Throws Error kConflict if
  /// the delivery isn't open, or the tenant has a file of this id already; kNotFound if there is no
  /// such delivery; kQuotaExceeded; kUnavailable; kInternal if `file.payload_length` isn't what was
  /// appended. After a throw of kUnavailable the outcome may be unknown. `index` may be null: the
  /// file has none.
  virtual void commit(const FileRecord& file, const SealedIndex* index,
                      const AuditEvent& event) = 0;

  /// The delivery of one file in one transaction: makes `delivery`, puts the file in and closes it
  /// with `manifest`. Visible and durable when it returns. Throws as commit, and Error kNotFound if
  /// the sender is no principal of the tenant.
  virtual void commit_as_delivery(const FileRecord& file, const SealedIndex* index,
                                  const NewDelivery& delivery, const std::string& manifest,
                                  const AuditEvent& event) = 0;
};

/// An index as it was stored.
struct StoredIndex {
  Uuid file;
  ByteView header;
  std::array<Byte, 16> nonce;
  ByteView row;
};

/// The indexes of a delivery, one after the other. Isn't thread-safe, and mustn't outlive the
/// store.
class IndexReader {
 public:
  virtual ~IndexReader() = default;

  /// The next one, whose views live until the next call; nothing at the end. Throws Error kNotFound
  /// if the delivery isn't there (any more), kUnavailable. Holds no connection between calls.
  virtual std::optional<StoredIndex> next() = 0;
};

/// Files that lie beside each other in a delivery, at most kPageRows rows of them.
struct FilePage {
  struct File {
    Uuid id;
    ByteView header;
    std::array<Byte, 16> nonce;
    std::uint64_t payload_length;  ///< nonce and chunks
    ByteView row;                  ///< the only one; empty: there are several, see BlobStore::read
  };
  static constexpr std::size_t kPageRows = 4;

  std::vector<File> files;           ///< in the order of their ids; none: there are no more
  std::shared_ptr<const void> kept;  ///< what the views look at
};

/// A tenant's calls find, remove and collide with what is its own, whatever ids another one uses.
/// Thread-safe.
class BlobStore {
 public:
  virtual ~BlobStore() = default;

  /// Starts to stage the file `id`. Throws Error kUnavailable.
  virtual std::unique_ptr<BlobWriter> begin(TenantId tenant, const Uuid& id) = 0;

  /// A file of a closed delivery that hasn't expired; nothing otherwise. Throws Error kUnavailable.
  virtual std::optional<FileRecord> find(TenantId tenant, const Uuid& id) = 0;

  /// The rows of such a file in order, from row `first` (from 0) on, one a piece, without the
  /// nonce; none if there are no more. Its next() throws Error kNotFound if the file went away
  /// meanwhile, kIntegrity if a row is missing, kUnavailable. Holds no connection between pieces.
  /// The Source isn't thread-safe, and mustn't outlive the store.
  virtual std::unique_ptr<Source> read(TenantId tenant, const Uuid& id, std::size_t first) = 0;

  /// The files of a closed delivery that hasn't expired, of those after `after` (nil: from the
  /// first) whose payload, nonce and chunks, is at most `up_to` bytes: the first of them, at least
  /// one if there is one. Throws Error kNotFound if there is no such delivery (any more),
  /// kIntegrity if a row is missing, kUnavailable.
  virtual FilePage read_files(TenantId tenant, const Uuid& delivery, const Uuid& after,
                              std::uint64_t up_to) = 0;

  /// Adds the index of a file that is in an open delivery. Durable when it returns. Throws Error
  /// kNotFound if there is no such delivery, or it has no such file; kConflict if it isn't open, or
  /// the file has an index; kQuotaExceeded; kUnavailable.
  virtual void put_index(TenantId tenant, const Uuid& delivery, const Uuid& file,
                         const SealedIndex& index, const AuditEvent& event) = 0;

  /// The indexes of a closed delivery that hasn't expired, in the order of file ids. That there is
  /// no such delivery, next() says.
  virtual std::unique_ptr<IndexReader> read_indexes(TenantId tenant, const Uuid& delivery) = 0;

  /// Takes a file and its index away for good, whatever its delivery's state: the headers at once,
  /// without which the rest can't be opened by anybody; the rows with Store::sweep_lapsed. The
  /// delivery and its manifest stay and still name it. False if there was none. Until PostgreSQL
  /// has vacuumed, its disk still holds the bytes. Throws Error kUnavailable.
  virtual bool remove(TenantId tenant, const Uuid& id, const AuditEvent& event) = 0;

  /// What counts against the tenant's quota: files and indexes with their headers, those of former
  /// versions, the length of uploads that aren't complete, and what is staged beyond a little
  /// (storage/row_framing.h). Throws Error kUnavailable.
  virtual std::uint64_t used(TenantId tenant) = 0;
};

}  // namespace letterbox::storage
