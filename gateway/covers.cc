#include "gateway/covers.h"

#include <chrono>

#include "base/error.h"

namespace letterbox::gateway {

namespace {

// A cover may be signed a little before it is sent; clocks of two machines differ.
constexpr std::chrono::minutes kClockSkew{5};
constexpr std::chrono::days kLongestOnItsWay{1};

crypto::VerifyKey maker_of(const Directory& directory, const records::Envelope& envelope) {
  if (envelope.key_id == directory.gateway_key.fingerprint()) return directory.gateway_key;
  const auto holder = directory.devices.find_key(envelope.key_id);
  const auto key = holder && holder->tenant == directory.tenant
                       ? crypto::VerifyKey::parse(holder->device.signing_key)
                       : std::nullopt;
  if (!key) throw Error(ErrorCode::kInternal, "the maker of a stored cover isn't in the directory");
  return *key;
}

}  // namespace

records::SignedCover stored_cover(const Directory& directory, const std::string& json) {
  const records::Envelope envelope = records::parse_envelope(json);
  return records::verify_cover(envelope, maker_of(directory, envelope));
}

records::Cover read_cover(const std::string& envelope) {
  return records::parse_cover(records::parse_envelope(envelope).payload);
}

void require_made_now(const records::Cover& cover) {
  const records::Time now = records::now();
  if (cover.created > now + kClockSkew || cover.created < now - kLongestOnItsWay) {
    throw Error(ErrorCode::kMalformed, "the cover's time isn't now; is a clock wrong?");
  }
}

void require_names_maker(const records::Envelope& envelope, const crypto::VerifyKey& maker) {
  if (envelope.key_id != maker.fingerprint()) {
    throw Error(ErrorCode::kBadSignature, "a cover that says another device signed it");
  }
}

}  // namespace letterbox::gateway
