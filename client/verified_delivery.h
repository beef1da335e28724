// Who a delivery is from and for, and what it holds: what is verified of its covers and manifest.
// Steps 1 to 5 of docs/format.md, "Reading".
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "client/refused.h"
#include "crypto/header.h"
#include "crypto/recipient.h"
#include "crypto/signing.h"
#include "records/cover.h"
#include "records/device_record.h"
#include "records/manifest.h"

namespace letterbox::client {

/// The keys whose signatures this device believes.
struct TrustedKeys {
  /// May sign first covers of what the gateway sealed, and nothing else.
  std::optional<crypto::VerifyKey> gateway;
  /// May sign covers of what they send, or share on. This device itself is one of them.
  std::vector<records::DeviceRecord> devices;
  /// Were trusted until they were revoked. What they signed before is still to be read, and only
  /// the gateway, which takes nothing from them since, knows what that is; so readers are told.
  std::vector<records::DeviceRecord> revoked = {};
  /// Aren't known here: it is the gateway's directory that says whose they are. They may sign later
  /// covers, which readers are told, and lets nobody in whom this device wraps a key for
  /// (VerifiedChain::unvouched).
  std::vector<records::DeviceRecord> strangers = {};
};

/// What the maker of a cover is to this device.
enum class MakerStanding : std::uint8_t {
  kKnown,    ///< the gateway, for what it sealed, too
  kRevoked,  ///< was known, until it was revoked
  kStranger,
};

/// A cover whose signature was verified against a key that may sign it. Only verify_chain makes
/// one.
class VerifiedCover {
 public:
  const records::Cover& cover() const noexcept { return signed_.cover; }
  const crypto::CoverHash& hash() const noexcept { return signed_.hash; }
  const records::Envelope& envelope() const noexcept { return signed_.envelope; }
  const records::SignedCover& signed_cover() const noexcept { return signed_; }
  const crypto::VerifyKey& maker() const noexcept { return maker_; }
  /// Whose device the maker is; nothing for the gateway.
  const std::optional<records::Handle>& maker_handle() const noexcept { return maker_handle_; }
  bool maker_is_revoked() const noexcept { return standing_ == MakerStanding::kRevoked; }
  bool maker_is_stranger() const noexcept { return standing_ == MakerStanding::kStranger; }
  bool lists(const crypto::X25519Recipient& recipient) const;

 private:
  friend class VerifiedChain;
  VerifiedCover(records::SignedCover signed_cover, const crypto::VerifyKey& maker,
                std::optional<records::Handle> maker_handle, MakerStanding standing)
      : signed_(std::move(signed_cover)),
        maker_(maker),
        maker_handle_(std::move(maker_handle)),
        standing_(standing) {}

  records::SignedCover signed_;
  crypto::VerifyKey maker_;
  std::optional<records::Handle> maker_handle_;
  MakerStanding standing_;
};

/// The covers of a delivery from version 1 on, each verified as what follows the one before
/// (records/cover_chain.h).
class VerifiedChain {
 public:
  /// Throws Refused: none, a signer who is unknown or may not, a bad signature, or no chain.
  VerifiedChain(std::span<const records::Envelope> covers, const TrustedKeys& trusted);

  /// Version 1: who sent the delivery, and where it was sealed.
  const VerifiedCover& first() const noexcept { return covers_.front(); }
  /// The one that counts.
  const VerifiedCover& last() const noexcept { return covers_.back(); }
  /// The version before the last; null where the first is the last.
  const VerifiedCover* former() const noexcept {
    return covers_.size() > 1 ? &covers_[covers_.size() - 2] : nullptr;
  }
  const std::vector<VerifiedCover>& all() const noexcept { return covers_; }

  /// The highest version whose maker isn't a stranger. The first is one.
  const VerifiedCover& vouched() const noexcept;
  /// Whom the last cover lists, and nobody answers for who is known here: strangers alone added
  /// them since vouched(). A gateway that lies can make a stranger up, in a device record of its
  /// own that names a recipient's handle and public age key, and so add whom it likes. That opens
  /// nothing, until somebody who holds the file keys wraps them anew for all who are listed.
  std::vector<records::CoverRecipient> unvouched() const;

 private:
  void add_first(const records::Envelope& envelope, const TrustedKeys& trusted);
  void add_next(const records::Envelope& envelope, const TrustedKeys& trusted);

  std::vector<VerifiedCover> covers_;
};

/// Who sealed, for people: "their device", "the gateway".
std::string sealer_of(const VerifiedChain& chain);

/// Who changed the recipients since, in order, each once, for people: "bob@clinic.example", "ada…
/// (a device that has been revoked since)".
std::vector<std::string> sharers_of(const VerifiedChain& chain);

/// Throws Refused: not signed by the first cover's maker, or about another cover or delivery.
records::Manifest verify_manifest(const records::Envelope& envelope, const VerifiedChain& chain);

/// A delivery as the gateway gives it out, before anything is verified.
struct UnverifiedDelivery {
  Uuid id;
  std::vector<records::Envelope> covers;
  records::Envelope manifest;
};

struct VerifiedDelivery {
  VerifiedChain chain;
  records::Manifest manifest;
  records::Envelope manifest_envelope;

  const VerifiedCover& cover() const noexcept { return chain.last(); }
};

/// The highest version of a delivery's cover that this device has seen.
struct SeenVersion {
  std::uint32_t version;
  crypto::CoverHash hash;
};

/// The covers alone, of a delivery that has no manifest yet. Throws Refused.
VerifiedChain verify_covers(const Uuid& delivery, std::span<const records::Envelope> covers,
                            const TrustedKeys& trusted, const std::optional<SeenVersion>& seen);

/// Covers and manifest; that they are about the delivery that was asked for; and that the covers
/// don't go back behind what was `seen` of it. Throws Refused.
VerifiedDelivery verify_delivery(const UnverifiedDelivery& delivery, const TrustedKeys& trusted,
                                 const std::optional<SeenVersion>& seen = std::nullopt);

/// Throws Refused (kNoKeyFits) unless the last cover lists one of these recipients.
void check_listed(const VerifiedChain& chain, std::span<const crypto::X25519Recipient> ours);

}  // namespace letterbox::client
