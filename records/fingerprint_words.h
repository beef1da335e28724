// A fingerprint as words, for two people who compare it over the telephone.
#pragma once

#include <string>

#include "crypto/signing.h"

namespace letterbox::records {

/// Eight words of five letters, as in "babab-babad-…": the first 128 bits of the SHA-256 of the
/// key, which is what VerifyKey::fingerprint() begins with. Finding another key for given words
/// takes 2^128 tries.
///
/// The words follow by rule, so there is no list to keep: sixteen bits, the highest first, are
/// consonant, vowel, consonant, vowel, consonant, of "bdfghjklmnprstvz" (4 bits) and "aiou" (2
/// bits). Letters that sound alike or are read differently in different languages (c, q, w, x, y;
/// e) aren't among them.
std::string fingerprint_words(const crypto::VerifyKey& key);

}  // namespace letterbox::records
