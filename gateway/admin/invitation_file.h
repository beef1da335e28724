// The invitation file, with which `letterbox login` enrols a device: gateway.json and two members.
#pragma once

#include "base/secret.h"
#include "gateway/data_directory.h"
#include "gateway/directory/token.h"
#include "records/handle.h"

namespace letterbox::gateway {

/// {"url", "ca_certificate", "signing_key", "handle", "invitation"}: what public/gateway.json says
/// of this gateway, who is invited, and the secret that lets them in. Throws Error kFile if there
/// is no such file because the gateway never served, or it isn't what serve writes.
SecretBytes invitation_file(const DataDirectory& data, const records::Handle& handle,
                            const Token& token);

}  // namespace letterbox::gateway
