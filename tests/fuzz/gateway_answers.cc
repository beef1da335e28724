// Whatever a gateway answers is read or refused as malformed, and what is told of it to people is
// safe to print. The first byte picks the reader.
#include "base/error.h"
#include "client/answers.h"
#include "client/home.h"
#include "client/problem.h"
#include "client/terminal.h"

using namespace letterbox;

namespace {

void read(unsigned kind, std::string_view text) {
  switch (kind) {
    case 0:
      client::parse_draft_answer(text);
      break;
    case 1:
      client::parse_stored_answer(text);
      break;
    case 2:
      client::parse_sealed_answer(text);
      break;
    case 3:
      client::parse_delivery_answer(text);
      break;
    case 4:
      for (const std::string& delivery : client::parse_inbox_answer(text).deliveries)
        client::delivery_id_of(delivery);
      break;
    case 5:
      client::delivery_of_link(text);
      break;
    case 6:
      client::parse_gateway(text);
      break;
    case 7:
      client::parse_invitation(text);
      break;
    case 8:
      client::parse_enrolled_answer(text);
      break;
    case 9: {
      const auto handle = *records::Handle::parse("ada@clinic.example");
      for (const auto& entry : client::parse_history_answer(text, handle).entries)
        records::to_json(entry.record);
      break;
    }
    case 10:
      client::parse_invitation_answer(text);
      break;
    case 11:
      client::clock_difference(std::string(text), records::Time());
      break;
    case 12:
      client::parse_sent_answer(text);
      break;
    default: {
      const std::string message = client::problem_error(400 + kind, text).what();
      if (message.find_first_of("\n\r\033") != std::string::npos) __builtin_trap();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  try {
    read(data[0] % 16, as_text({data + 1, size - 1}));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kMalformed) __builtin_trap();
  }
  return 0;
}
