// How a device becomes its owner's, and how it ends: it enrols itself with an invitation, another
// one vouches, and any of them revokes.
#pragma once

#include "base/secret.h"
#include "client/answers.h"
#include "client/gateway_connection.h"
#include "crypto/signing.h"
#include "records/dsse.h"

namespace letterbox::client {

/// Redeems an invitation for the device of `record`. `gateway` signs as that device. Throws Error
/// kNotFound, with what to do, if the invitation can't be redeemed; kConflict if its keys are
/// enrolled already.
EnrolledAnswer enrol(GatewayConnection& gateway, const SecretBytes& invitation,
                     const records::Envelope& record);

/// Says with `key`, as which `gateway` signs, that a device is of the same owner: the one whose
/// record has the hash `device`, and which signs with `device_key`. Throws Error kConflict where
/// nothing follows from that.
void vouch(GatewayConnection& gateway, const crypto::SigningKey& key, const Digest& device,
           const crypto::VerifyKey& device_key);

/// Says likewise that the device is nobody's any more.
void revoke(GatewayConnection& gateway, const crypto::SigningKey& key, const Digest& device,
            const crypto::VerifyKey& device_key);

}  // namespace letterbox::client
