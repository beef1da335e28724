#include "client/invite.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "client/answers.h"
#include "client/files.h"

namespace letterbox::client {

void check_invitation_output(const std::optional<std::filesystem::path>& output) {
  if (output && std::filesystem::exists(*output))
    throw Error(ErrorCode::kConflict, "the invitation's file exists already; name another one");
  if (!output && ::isatty(STDOUT_FILENO) != 1)
    throw Error(ErrorCode::kUsage,
                "an invitation is shown on a terminal only; name a file for it to be written to");
}

SecretBytes make_invitation(Caller& us, const records::Handle& handle) {
  const nlohmann::json request = {{"handle", handle.text()}, {"kind", "person"}};
  return parse_invitation_answer(
      us.gateway().post("/v1/invitations", kJsonMediaType, request.dump()));
}

void invite(Caller& us, const records::Handle& handle,
            const std::optional<std::filesystem::path>& output) {
  check_invitation_output(output);
  const SecretBytes file =
      to_json(Invitation{us.trusted_gateway(), handle, make_invitation(us, handle)});
  if (output)
    write_new_file(*output, file.reveal());
  else
    write_all(STDOUT_FILENO, file.reveal(), "the terminal");
}

}  // namespace letterbox::client
