// What strangers and callers send as JSON: whatever is taken is what it says, and nothing else is
// thrown than that it isn't.
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "gateway/directory/token.h"
#include "gateway/routes/api_json.h"
#include "gateway/routes/directory_json.h"

using namespace letterbox;
using namespace letterbox::gateway;

namespace {

template <typename Parse>
void read(Parse parse, std::string_view text) {
  try {
    parse(text);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kMalformed) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const Byte* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  read(parse_enrolment, text);
  read(parse_invitation_request, text);
  read(parse_machine_request, text);
  read(parse_mailbox_request, text);
  read(parse_draft_request, text);
  // A token has one form.
  if (const auto token = Token::parse(text)) {
    if (token->text().reveal_text() != text) std::abort();
  }
  if (const auto digest = digest_from_hex(text)) {
    if (to_hex(*digest) != text) std::abort();
  }
  return 0;
}
