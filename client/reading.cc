#include "client/reading.h"

#include <algorithm>

#include "client/files.h"
#include "client/threads.h"
#include "crypto/hash.h"

// Steps are those of docs/format.md, "Reading".
namespace letterbox::client {
namespace {

// Whether an error is a finding about what was read, rather than a failure to read it.
bool is_finding(ErrorCode code) {
  switch (code) {
    case ErrorCode::kMalformed:
    case ErrorCode::kTooLarge:
    case ErrorCode::kFieldsTooLarge:
    case ErrorCode::kCoverMismatch:
    case ErrorCode::kIntegrity:
    case ErrorCode::kBadSignature:
    case ErrorCode::kNoKeyFits:
    case ErrorCode::kUntrustedKey:
      return true;
    default:
      return false;
  }
}

// Runs one check; what it finds is reported under the check's name.
template <typename Check>
auto checked(const char* name, Check check) {
  try {
    return check();
  } catch (const Refused&) {
    throw;
  } catch (const Error& error) {
    if (!is_finding(error.code())) throw;
    const bool oversized = error.code() == ErrorCode::kTooLarge;
    throw Refused(name, oversized ? ErrorCode::kMalformed : error.code(), error.what());
  }
}

// Nonce and chunks as they pass: how many, and their SHA-256. No more than the manifest allows is
// ever pulled.
class MeasuredSource final : public Source {
 public:
  MeasuredSource(Source& source, const records::ManifestEntry* entry)
      : source_(source), entry_(entry) {}

  ByteView next() override {
    const ByteView piece = source_.next();
    length_ += piece.size();
    if (entry_ != nullptr && length_ > entry_->length)
      throw Refused(checks::kPayloadLength, ErrorCode::kIntegrity,
                    "more bytes come than the manifest says");
    hash_.update(piece);
    return piece;
  }

  std::uint64_t length() const noexcept { return length_; }
  Digest finish() { return hash_.finish(); }

 private:
  Source& source_;
  const records::ManifestEntry* entry_;
  crypto::Sha256 hash_;
  std::uint64_t length_ = 0;
};

const records::DeviceRecord* find_signer(std::span<const records::DeviceRecord> devices,
                                         const records::Envelope& envelope) {
  const auto found = std::ranges::find_if(devices, [&](const auto& device) {
    return device.signing_key.fingerprint() == envelope.key_id;
  });
  return found == devices.end() ? nullptr : &*found;
}

// A file of few chunks isn't worth starting threads for; a delivery may hold thousands of them.
unsigned threads_for(const records::ManifestEntry* entry) {
  return entry != nullptr && entry->length <= crypto::kRowSize ? 1 : sealing_threads();
}

}  // namespace

Refused::Refused(const char* check, ErrorCode code, const std::string& detail)
    : Error(code, "refused, the check \"" + std::string(check) + "\" failed: " + detail),
      check_(check) {}

VerifiedCover verify_cover(const records::Envelope& envelope, const TrustedKeys& trusted) {
  // Steps 1 and 2. The signer must be somebody whom this device knows. The keyid is a hint, which
  // the signature then confirms or not.
  const bool by_gateway = trusted.gateway && trusted.gateway->fingerprint() == envelope.key_id;
  const auto* device = find_signer(trusted.devices, envelope);
  const bool is_revoked = !by_gateway && device == nullptr;
  if (is_revoked) device = find_signer(trusted.revoked, envelope);
  if (!by_gateway && device == nullptr)
    throw Refused(checks::kCoverSigner, ErrorCode::kUntrustedKey,
                  "it is signed by the key " + envelope.key_id +
                      ", which this device doesn't know; if you know the sender, run letterbox "
                      "trust and compare fingerprints");
  const crypto::VerifyKey maker = by_gateway ? *trusted.gateway : device->signing_key;

  VerifiedCover cover(
      checked(checks::kCoverSignature, [&] { return records::verify_cover(envelope, maker); }),
      maker, is_revoked);

  // The signer may sign this: a gateway what it sealed, a device what it sent.
  const bool sealed_by_gateway = cover.cover().sealed_by == records::SealedBy::kGateway;
  if (sealed_by_gateway != by_gateway)
    throw Refused(checks::kCoverSigner, ErrorCode::kBadSignature,
                  by_gateway ? "the gateway signed for what it says a device sealed"
                             : "a device signed for what it says the gateway sealed");
  if (!by_gateway && device->handle != cover.cover().sender)
    throw Refused(checks::kCoverSigner, ErrorCode::kBadSignature,
                  "it names " + cover.cover().sender.text() +
                      " as its sender and is signed by a "
                      "device of " +
                      device->handle.text());
  // Step 3, and verify_delivery.
  if (cover.cover().version != 1)
    throw Refused(checks::kCoverVersions, ErrorCode::kMalformed,
                  "it isn't version 1, and this letterbox doesn't follow later ones");
  return cover;
}

std::string sealer_of(const VerifiedCover& cover) {
  if (cover.cover().sealed_by == records::SealedBy::kGateway) return "the gateway";
  return cover.maker_is_revoked() ? "a device of theirs that has been revoked since"
                                  : "their device";
}

records::Manifest verify_manifest(const records::Envelope& envelope, const VerifiedCover& cover) {
  // Step 4.
  records::Manifest manifest = checked(checks::kManifestSignature, [&] {
    return records::verify_manifest(envelope, cover.maker());
  });
  if (manifest.delivery != cover.cover().delivery)
    throw Refused(checks::kManifestDelivery, ErrorCode::kIntegrity,
                  "it is that of another delivery");
  if (manifest.cover != cover.hash())
    throw Refused(checks::kManifestCover, ErrorCode::kIntegrity, "it names another cover");
  return manifest;
}

VerifiedDelivery verify_delivery(const UnverifiedDelivery& delivery, const TrustedKeys& trusted) {
  if (delivery.covers.size() != 1)
    throw Refused(
        checks::kCoverVersions, ErrorCode::kMalformed,
        "there must be one cover, and there are " + std::to_string(delivery.covers.size()));
  VerifiedCover cover = verify_cover(delivery.covers.front(), trusted);
  if (cover.cover().delivery != delivery.id)
    throw Refused(checks::kCoverDelivery, ErrorCode::kCoverMismatch,
                  "it is that of another delivery");
  records::Manifest manifest = verify_manifest(delivery.manifest, cover);
  return {std::move(cover), std::move(manifest), delivery.manifest};
}

void check_listed(const VerifiedCover& cover, std::span<const crypto::X25519Recipient> ours) {
  const std::vector<crypto::X25519Recipient> listed = cover.cover().keys();
  if (std::ranges::find_first_of(listed, ours) == listed.end())
    throw Refused(checks::kCoverListsUs, ErrorCode::kNoKeyFits,
                  "the delivery wasn't sealed for any key that is here");
}

const records::ManifestEntry& entry_of(const ManifestEntries& entries, const Uuid& file) {
  const auto found = std::ranges::find(entries, file, &records::ManifestEntry::id);
  if (found == entries.end())
    throw Refused(checks::kManifestFile, ErrorCode::kIntegrity,
                  "the sender's manifest doesn't hold " + file.text());
  return *found;
}

std::uint64_t plaintext_size(const records::ManifestEntry& entry) noexcept {
  const std::uint64_t sealed = entry.length - std::min(entry.length, sizeof(crypto::PayloadNonce));
  const std::uint64_t chunks = (sealed + crypto::kSealedChunkSize - 1) / crypto::kSealedChunkSize;
  return sealed - std::min(sealed, chunks * crypto::kTagSize);
}

crypto::Header read_age_header(Source& age_file, Bytes& rest) {
  return checked(checks::kHeaderFormat, [&] { return crypto::read_header(age_file, rest); });
}

struct OpenedFile::State {
  State(Source& age_file, Bytes rest, const ManifestEntries* entries_or_null,
        const records::ManifestEntry* entry_or_null, const crypto::FileKey& file_key)
      : entries(entries_or_null),
        entry(entry_or_null),
        payload(std::move(rest), age_file),
        measured(payload, entry),
        nonce(entry != nullptr ? std::optional(crypto::payload_nonce(file_key, entry->id))
                               : std::nullopt),
        opener(file_key, measured, nonce ? &*nonce : nullptr, threads_for(entry)) {}

  const ManifestEntries* entries;
  const records::ManifestEntry* entry;
  PrefixedSource payload;
  MeasuredSource measured;
  std::optional<crypto::PayloadNonce> nonce;
  crypto::Opener opener;
  bool ended = false;
};

OpenedFile::OpenedFile(Source& age_file, std::span<const crypto::X25519Identity> identities,
                       const VerifiedCover& cover, const ManifestEntries* entries,
                       const Uuid* file) {
  const records::ManifestEntry* const entry =
      entries != nullptr && file != nullptr ? &entry_of(*entries, *file) : nullptr;

  // Steps 5 and 6. The cover is the root of what follows: does it list us, and does the header name
  // it?
  std::vector<crypto::X25519Recipient> ours;
  for (const auto& identity : identities) ours.push_back(identity.recipient());
  check_listed(cover, ours);
  Bytes rest;
  const crypto::Header header = read_age_header(age_file, rest);
  if (crypto::named_cover(header) != cover.hash())
    throw Refused(checks::kHeaderCover, ErrorCode::kCoverMismatch,
                  "it names another cover, or none");

  // Step 7. The file key. That no stanza fits although the cover lists us is somebody's doing.
  const crypto::FileKey file_key = checked(checks::kFileKey, [&] {
    try {
      return crypto::unwrap(header, identities);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kNoKeyFits) throw;
      throw Error(ErrorCode::kIntegrity,
                  "the cover lists this device, and none of the header's stanzas is for it");
    }
  });

  // Step 8. The header anew, byte for byte: no stanza too many, of another type, or for another
  // key.
  checked(checks::kHeaderRebuilt,
          [&] { crypto::verify_header(header, file_key, cover.hash(), cover.cover().keys()); });

  // Step 9. The payload's nonce, which follows from file key and file id.
  state_ = checked(checks::kPayloadNonce, [&] {
    return std::make_unique<State>(age_file, std::move(rest), entries, entry, file_key);
  });
}

OpenedFile::~OpenedFile() = default;

ByteView OpenedFile::next() {
  // Step 10. The chunks, each in its place, to the last one.
  const ByteView piece = checked(checks::kPayload, [&] { return state_->opener.next(); });
  if (!piece.empty() || state_->ended) return piece;

  // Step 11. The end: what passed is what the manifest says.
  state_->ended = true;
  if (state_->entries == nullptr) return piece;
  const std::uint64_t length = state_->measured.length();
  const Digest digest = state_->measured.finish();
  if (state_->entry == nullptr) {
    if (std::ranges::none_of(*state_->entries, [&](const records::ManifestEntry& entry) {
          return entry.sha256 == digest && entry.length == length;
        }))
      throw Refused(checks::kPayloadDigest, ErrorCode::kIntegrity,
                    "it is none of the files that the manifest lists");
    return piece;
  }
  if (length != state_->entry->length)
    throw Refused(checks::kPayloadLength, ErrorCode::kIntegrity,
                  "it isn't as long as the manifest says");
  if (digest != state_->entry->sha256)
    throw Refused(checks::kPayloadDigest, ErrorCode::kIntegrity, "it isn't what the manifest says");
  return piece;
}

crypto::FileKey uncovered_file_key(const std::function<crypto::FileKey()>& unwrap) {
  return checked(checks::kFileKey, unwrap);
}

UncoveredFile::UncoveredFile(const crypto::FileKey& file_key, Source& payload)
    : opener_(checked(checks::kPayloadNonce, [&] {
        return std::make_unique<crypto::Opener>(file_key, payload, nullptr, sealing_threads());
      })) {}

ByteView UncoveredFile::next() {
  return checked(checks::kPayload, [&] { return opener_->next(); });
}

}  // namespace letterbox::client
