// A letter through the slot: what arrives is looked at, sealed and put on the shelf.
//
// This is the product. It takes interfaces alone, so it is tested with neither HTTP nor SQL.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/uuid.h"
#include "crypto/signing.h"
#include "dicom/inspector.h"
#include "gateway/identity/caller.h"
#include "records/cover.h"
#include "records/dsse.h"
#include "storage/blob_store.h"

namespace letterbox::gateway {

/// What was stored, and the manifest that says so.
struct Receipt {
  storage::FileRecord file;
  records::Envelope manifest;
  std::vector<std::string> dropped;  ///< as Finding::dropped
};

/// A file as lists show it.
inline storage::FileSummary summary_of(const storage::FileRecord& file) {
  return {file.id, file.payload_length, file.payload_sha256};
}

/// Seals `body` for the recipients of `cover` while it arrives, and stores it as a delivery of its
/// own of `sender`, with an index of what the inspector found, closed by a manifest that
/// `gateway_key` signs. Durable and visible when it returns; after a throw nothing of it ever is.
/// The plaintext lives in this call's memory alone. Throws Error kEmptyBody, kNotWhatItClaims,
/// kUnavailable, and whatever `body` throws. Thread-safe.
Receipt deposit(Source& body, dicom::MediaType claimed, const records::SignedCover& cover,
                const crypto::SigningKey& gateway_key, dicom::Inspector& inspector,
                const Caller& sender, storage::BlobStore& shelf,
                std::uint32_t downloads = storage::kUsualDownloads);

/// Takes a file `id` that `sender`'s device sealed under `cover` into its open delivery, after
/// checking all that can be checked without a key: the header's grammar, its cover stanza, one
/// X25519 stanza for each recipient and nothing else, and the framing to the last byte. Durable
/// when it returns. Throws Error kEmptyBody, kNotWhatItClaims (no such age file), kCoverMismatch,
/// kConflict, kNotFound, kUnavailable, and whatever `body` throws. Thread-safe.
storage::FileRecord deposit_sealed(Source& body, const Uuid& id, const records::SignedCover& cover,
                                   const Caller& sender, storage::BlobStore& shelf);

/// Takes the index of such a file, an age file likewise, which has at most one chunk. Returns what
/// the manifest must say of it. Throws as deposit_sealed, kNotFound if the delivery has no such
/// file, kConflict if that has an index already, and kTooLarge.
storage::FileSummary deposit_sealed_index(Source& body, const Uuid& file,
                                          const records::SignedCover& cover, const Caller& sender,
                                          storage::BlobStore& shelf);

/// Throws what was thrown while an age file that a device sealed was read: what isn't one, of this
/// delivery, is the sender's unprocessable content (kNotWhatItClaims), and not a request that can't
/// be read.
[[noreturn]] void refuse_age_file(const Error& error);

}  // namespace letterbox::gateway
