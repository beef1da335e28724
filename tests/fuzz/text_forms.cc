// Ids, handles and times have one text form: what parses writes back to the same text.
#include "base/uuid.h"
#include "records/handle.h"
#include "records/time.h"

using namespace letterbox;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  if (const auto uuid = Uuid::parse(text); uuid && uuid->text() != text) __builtin_trap();
  if (const auto handle = records::Handle::parse(text); handle && handle->text() != text) {
    __builtin_trap();
  }
  if (const auto time = records::parse_time(text); time && records::to_text(*time) != text) {
    __builtin_trap();
  }
  return 0;
}
