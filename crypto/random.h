// Bytes from the CSPRNG.
#pragma once

#include <span>

#include "base/bytes.h"

namespace letterbox::crypto {

/// Fills `out` with bytes fit for keys. Throws Error kInternal if the generator fails. Thread-safe.
void fill_random(std::span<Byte> out);

}  // namespace letterbox::crypto
