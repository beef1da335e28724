// Keys and texts that the tests of this folder share.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/error.h"
#include "crypto/signing.h"
#include "records/dsse.h"
#include "records/handle.h"
#include "records/time.h"

namespace letterbox::records {

inline crypto::SigningKey signing_key(Byte fill = 1) {
  Secret<32> seed;
  for (Byte& byte : seed.reveal()) byte = fill;
  return crypto::SigningKey(std::move(seed));
}

inline Handle handle(std::string_view text) {
  return Handle::parse(text).value();
}
inline Time time_of(std::string_view text) {
  return parse_time(text).value();
}

inline std::string text_of(const Envelope& envelope) {
  return std::string(as_text(envelope.payload));
}

/// `text` with the first `from` replaced. Fails where there is none, so that no test can pass
/// because its change didn't happen.
inline std::string with(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

/// The code that `action` throws; kInternal, and a failed test, if it throws nothing.
template <typename Action>
ErrorCode thrown_by(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::kInternal;
}

}  // namespace letterbox::records
