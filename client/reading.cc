#include "client/reading.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "client/files.h"
#include "client/threads.h"
#include "crypto/hash.h"

// Steps are those of docs/format.md, "Reading".
namespace letterbox::client {
namespace {

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

// A file of few chunks isn't worth starting threads for; a delivery may hold thousands of them.
unsigned threads_for(const records::ManifestEntry* entry) {
  return entry != nullptr && entry->length <= crypto::kRowSize ? 1 : sealing_threads();
}

}  // namespace

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

crypto::FileKey verified_file_key(const crypto::Header& header,
                                  std::span<const crypto::X25519Identity> identities,
                                  const VerifiedCover& cover) {
  // Step 6. The cover is the root of what follows: does the header name it?
  if (crypto::named_cover(header) != cover.hash())
    throw Refused(checks::kHeaderCover, ErrorCode::kCoverMismatch,
                  "it names another cover, or none");

  // Step 7. The file key. That no stanza fits although the cover lists us is somebody's doing.
  crypto::FileKey file_key = checked(checks::kFileKey, [&] {
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
  return file_key;
}

bool is_about_header(const Refused& refusal) {
  constexpr std::array kHeaderChecks = {checks::kHeaderFormat, checks::kHeaderCover,
                                        checks::kFileKey, checks::kHeaderRebuilt,
                                        checks::kPayloadNonce};
  return std::ranges::find(kHeaderChecks, std::string_view(refusal.check())) != kHeaderChecks.end();
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

  // Step 5.
  if (std::ranges::none_of(identities,
                           [&](const auto& identity) { return cover.lists(identity.recipient()); }))
    throw Refused(checks::kCoverListsUs, ErrorCode::kNoKeyFits,
                  "the delivery wasn't sealed for any key that is here");
  Bytes rest;
  const crypto::Header header = read_age_header(age_file, rest);
  const crypto::FileKey file_key = verified_file_key(header, identities, cover);

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
