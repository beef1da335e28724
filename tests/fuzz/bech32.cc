// There is one text for one value: what decodes is encoded to the same text.
#include "crypto/bech32.h"

#include "crypto/recipient.h"

using namespace letterbox;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  for (const std::string_view prefix : {"age", "AGE-SECRET-KEY-", "", "1"}) {
    const auto decoded = crypto::bech32_decode(text, prefix);
    if (decoded && crypto::bech32_encode(prefix, decoded->reveal()).reveal_text() != text)
      __builtin_trap();
  }
  const auto recipient = crypto::X25519Recipient::parse(text);
  if (recipient && recipient->text() != text) __builtin_trap();
  const auto identity = crypto::X25519Identity::parse(text);
  if (identity && identity->text().reveal_text() != text) __builtin_trap();
  return 0;
}
