// A list of entity tags has what is in it, whatever stands around, and comparing weakly never finds
// less than comparing strongly.
#include "gateway/conditions.h"

#include <cstdlib>
#include <string>

#include "base/bytes.h"

using namespace letterbox;
using namespace letterbox::gateway;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string field(as_text({data, size}));
  const std::string tag = version_tag(3);
  const bool strong = lists_tag(field, tag, TagComparison::kStrong);
  const bool weak = lists_tag(field, tag, TagComparison::kWeak);
  require(weak || !strong);
  // A tag that isn't in it as text isn't found.
  if (field != "*" && field.find(tag) == std::string::npos) require(!weak);
  // Behind a list one more can be put.
  if (strong && field != "*")
    require(lists_tag(field + ", \"v4\"", "\"v4\"", TagComparison::kStrong));
  return 0;
}
