#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "client/commands.h"
#include "client/gateway_connection.h"

namespace letterbox::client {

void trust_gateway(const Session& session, const Gateway& gateway, bool replace) {
  check_usable(gateway);
  // Another key is another gateway, or somebody who wants to be taken for it.
  const auto before = session.home.gateway_if_any();
  if (before && before->signing_key != gateway.signing_key && !replace)
    throw Error(ErrorCode::kConflict,
                "another gateway is trusted already, with the signing key " +
                    before->signing_key.fingerprint() +
                    "; letterbox connect --replace trusts the new one instead");
  session.home.remember(gateway);
}

void connect(const Session& session, const ConnectOptions& options) {
  const Gateway gateway = read_gateway(options.file);
  trust_gateway(session, gateway, options.replace);

  const std::string fingerprint = gateway.signing_key.fingerprint();
  if (session.json)
    std::cout << nlohmann::json{{"url", gateway.url}, {"fingerprint", fingerprint}} << '\n';
  else
    std::cout << "gateway      " << gateway.url << "\nfingerprint  " << fingerprint
              << "\nCompare the fingerprint with the one that the gateway's operator tells you.\n";
}

}  // namespace letterbox::client
