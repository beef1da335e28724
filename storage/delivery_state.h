// What a delivery can be, and what it can become. Migration 0005 holds the database to the same
// table; a test holds the two together.
#pragma once

#include <cstdint>

namespace letterbox::storage {

/// Closed set: a switch over it has no `default`. Whose time is over is expired to everybody from
/// that moment, whether or not a sweep has been there.
enum class DeliveryState : std::uint8_t {
  kOpen,     ///< has its cover, takes files; its sender's alone
  kClosed,   ///< has its manifest; its recipients see it
  kExpired,  ///< its time is over, or it was never closed: its headers are gone for good
  kRevoked,  ///< its sender took it back: its headers are gone for good
};

/// As the database spells it.
constexpr const char* to_string(DeliveryState state) noexcept {
  switch (state) {
    case DeliveryState::kOpen:
      return "open";
    case DeliveryState::kClosed:
      return "closed";
    case DeliveryState::kExpired:
      return "expired";
    case DeliveryState::kRevoked:
      return "revoked";
  }
  return "";
}

/// Nothing lies in it any more, and nothing will: what was signed about it is kept for a while
/// (kEndedKept in storage/lifetimes.h), then it is forgotten.
constexpr bool has_ended(DeliveryState state) noexcept {
  return state == DeliveryState::kExpired || state == DeliveryState::kRevoked;
}

/// A delivery begins open or closed. One that expired may still be revoked, because its sender may
/// want the receipt of it.
constexpr bool may_become(DeliveryState from, DeliveryState to) noexcept {
  switch (from) {
    case DeliveryState::kOpen:
      return to != DeliveryState::kOpen;
    case DeliveryState::kClosed:
      return has_ended(to);
    case DeliveryState::kExpired:
      return to == DeliveryState::kRevoked;
    case DeliveryState::kRevoked:
      return false;
  }
  return false;
}

}  // namespace letterbox::storage
