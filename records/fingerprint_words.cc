#include "records/fingerprint_words.h"

#include <string_view>

#include "crypto/hash.h"

namespace letterbox::records {

namespace {

constexpr std::size_t kWords = 8;
constexpr std::string_view kConsonants = "bdfghjklmnprstvz";
constexpr std::string_view kVowels = "aiou";

std::string word(unsigned bits) {
  return {kConsonants[bits >> 12 & 15], kVowels[bits >> 10 & 3], kConsonants[bits >> 6 & 15],
          kVowels[bits >> 4 & 3], kConsonants[bits & 15]};
}

}  // namespace

std::string fingerprint_words(const crypto::VerifyKey& key) {
  const Digest hash = crypto::sha256(key.bytes());
  std::string words;
  for (std::size_t i = 0; i < kWords; ++i) {
    if (i > 0) words += '-';
    words += word(static_cast<unsigned>(hash[2 * i] << 8 | hash[2 * i + 1]));
  }
  return words;
}

}  // namespace letterbox::records
