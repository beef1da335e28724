#include "base/error.h"
#include "gateway/admin/commands.h"
#include "gateway/admin/host.h"
#include "gateway/admin/invitation_file.h"
#include "gateway/directory/invite.h"

namespace letterbox::gateway::admin {

void invite(storage::Store& store, const DataDirectory& data, const InviteOptions& options,
            SecretOutput& output) {
  const records::Handle handle = parse_handle(options.handle);
  const std::chrono::hours life(options.hours);
  if (life < std::chrono::hours(1) || life > kLongestInvitationLife) {
    throw Error(ErrorCode::kUsage,
                "--hours: 1 to " + std::to_string(kLongestInvitationLife.count()));
  }
  const auto kind = options.administrator ? storage::PrincipalKind::kAdministrator
                                          : storage::PrincipalKind::kPerson;
  const Token token = Token::make();
  const SecretBytes file = invitation_file(data, handle, token);
  gateway::invite(store, find_tenant(store, handle.tenant()), handle, kind, token,
                  records::now() + life, std::nullopt, kOnTheHost);
  output.write(file);
}

}  // namespace letterbox::gateway::admin
