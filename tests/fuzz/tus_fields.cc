// Whatever is accepted of a field of tus is written back to the same, and nothing else but
// kMalformed refuses.
#include "gateway/tus_fields.h"

#include <cstdlib>
#include <string>

#include "base/bytes.h"
#include "base/error.h"

using namespace letterbox;
using namespace letterbox::gateway;

namespace {

template <typename Read>
void read(Read action) {
  try {
    action();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kMalformed) std::abort();
  }
}

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string field(as_text({data, size}));
  read([&] {
    const std::uint64_t count = tus::parse_count(field);
    require(tus::parse_count(std::to_string(count)) == count);
  });
  read([&] {
    const tus::Metadata metadata = tus::parse_metadata(field);
    const std::string text = tus::metadata_text(metadata);
    const tus::Metadata again = tus::parse_metadata(text);
    require(again.delivery == metadata.delivery && again.file == metadata.file);
    // No room for anything but the two: they may come in either order and with spaces between.
    require(field.find_first_not_of(" ,") == std::string::npos || field.size() >= text.size());
  });
  read([&] {
    static_cast<void>(tus::parse_checksum(field));
    require(field.size() == 7 + 44);  // "sha256 " and the only base64 of 32 bytes
  });
  return 0;
}
