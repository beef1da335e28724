#include "client/rewrapped_headers.h"

#include "client/reading.h"
#include "crypto/header.h"
#include "crypto/stream.h"

namespace letterbox::client {
namespace {

std::set<Uuid> ids_of(const ManifestEntries& entries) {
  std::set<Uuid> ids;
  for (const records::ManifestEntry& entry : entries) ids.insert(entry.id);
  return ids;
}

}  // namespace

RewrappedHeaders::RewrappedHeaders(Source& headers, const VerifiedDelivery& delivery,
                                   const VerifiedCover& now,
                                   std::span<const crypto::X25519Identity> identities,
                                   const records::SignedCover& next)
    : reader_(headers),
      files_(ids_of(delivery.manifest.files)),
      indexes_(ids_of(delivery.manifest.indexes)),
      now_(now),
      identities_(identities),
      next_(next),
      keys_(next.cover.keys()) {}

ByteView RewrappedHeaders::next() {
  if (!begun_) {
    begun_ = true;
    return frame_ = records::cover_frame(next_.envelope);
  }
  const auto now = checked(checks::kHeaderFormat, [&] {
    return reader_.next_beginnings(now_.hash(), now_.cover().recipients.size());
  });
  if (!now) return {};
  if (!files_.contains(now->file) || (now->index && !indexes_.contains(now->file)))
    throw Refused(checks::kManifestFile, ErrorCode::kIntegrity,
                  "the gateway has headers of what the manifest doesn't list");
  return frame_ =
             records::headers_frame({now->file, wrapped_anew(now->file, now->payload),
                                     now->index ? wrapped_anew(now->file, *now->index) : Bytes()});
}

Bytes RewrappedHeaders::wrapped_anew(const Uuid& file, const records::Beginning& beginning) const {
  const crypto::Header header =
      checked(checks::kHeaderFormat, [&] { return crypto::parse_header(beginning.header); });
  const crypto::FileKey file_key = verified_file_key(header, identities_, now_);
  // A header that somebody made for a key of their own is right in itself.
  if (crypto::payload_nonce(file_key, file) != beginning.nonce)
    throw Refused(checks::kPayloadNonce, ErrorCode::kIntegrity,
                  "the header's file key isn't that of the payload");
  return crypto::seal_header(file_key, next_.hash, keys_);
}

}  // namespace letterbox::client
