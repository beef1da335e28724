// Whatever range is given lies within what there is, and is asked for again by its own words; the
// rest is ignored or refused by the two codes that there are.
#include "gateway/byte_range.h"

#include <cstdlib>
#include <cstring>
#include <string>

#include "base/bytes.h"
#include "base/error.h"

using namespace letterbox;
using namespace letterbox::gateway;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

// The size of the representation, 8 bytes, and the field.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::uint64_t whole = 0;
  if (size < sizeof whole) return 0;
  std::memcpy(&whole, data, sizeof whole);
  if (whole == 0) return 0;
  const std::string field(as_text({data + sizeof whole, size - sizeof whole}));
  static_cast<void>(if_range_holds(field, "\"etag\""));
  std::optional<ByteRange> range;
  try {
    range = asked_range(field, whole);
  } catch (const Error& error) {
    require(error.code() == ErrorCode::kRangeNotSatisfiable ||
            error.code() == ErrorCode::kSeveralRanges);
    return 0;
  }
  if (!range) return 0;
  require(range->first <= range->last && range->last < whole && range->length() >= 1);
  const std::string same =
      "bytes=" + std::to_string(range->first) + '-' + std::to_string(range->last);
  require(asked_range(same, whole) == range);
  require(content_range(*range, whole).ends_with('/' + std::to_string(whole)));
  return 0;
}
