// What parses as a dictionary has one form, which parses to the same values.
#include "records/structured_field.h"

#include "base/error.h"

using namespace letterbox;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto dictionary = records::parse_dictionary(as_text({data, size}), "the field");
    const std::string text = records::to_text(dictionary);
    // The one form may be longer than what was read (", " for ","), and then too long to be read.
    if (text.size() > records::kMaxStructuredFieldSize) return 0;
    if (records::parse_dictionary(text, "the field") != dictionary) __builtin_trap();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kMalformed) __builtin_trap();
  }
  return 0;
}
