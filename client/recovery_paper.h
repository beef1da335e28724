// A recovery key as it stands on paper.
//
//   LETTERBOX-RECOVERY-1
//   QPZR Y9X8 GF2T VDW0 S3JN
//   54KH CE6M UA7L QPZR Y9X8
//   GF2T VDW0 S3JN 54KH CE
#pragma once

#include <optional>
#include <string_view>

#include "base/secret.h"
#include "crypto/recovery_key.h"

namespace letterbox::client {

/// These four lines, each with a line end.
SecretBytes format_recovery_paper(const crypto::RecoveryKey& key);

/// What somebody typed from it, in any case, grouping and number of lines, with the first line or
/// without. B, I, O and 1, which no key has, are read as what they were mistaken for: 8, L, 0, L.
/// Nothing if it isn't a recovery key, whole and without a mistake.
std::optional<crypto::RecoveryKey> read_recovery_paper(std::string_view typed);

}  // namespace letterbox::client
