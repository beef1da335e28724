#include "gateway/serve.h"

#include <cpprest/http_listener.h>

#include <csignal>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/log.h"
#include "dicom/inspector.h"
#include "gateway/certificates.h"
#include "gateway/data_directory.h"
#include "gateway/database.h"
#include "gateway/process.h"
#include "gateway/routes.h"
#include "gateway/transport/transport.h"

namespace letterbox::gateway {

namespace {

using web::http::experimental::listener::http_listener;

// Blocked before there are threads, so that all inherit the mask and sigwait() is the one place
// where these arrive.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// Returns when told to stop. Should the private database server end under us, requests could only
// fail from then on: to end too lets whoever supervises this process start both anew. Throws Error
// kUnavailable.
void wait_for_stop(const sigset_t& signals, Database& database, const DataDirectory& data) {
  while (true) {
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal != SIGCHLD) {
      log::info("stopping", {{"signal", std::to_string(signal)}});
      return;
    }
    if (!database.running()) {
      throw Error(ErrorCode::kUnavailable, "the private database server has ended; why is in " +
                                               (data.cluster() / "postgresql.log").string());
    }
  }
}

// What an operator hands to a client, in one file.
void write_trust_file(const DataDirectory& data, const std::string& url,
                      const crypto::VerifyKey& signing_key) {
  const Bytes authority = read_file(data.published() / "ca.pem");
  const std::string json = nlohmann::ordered_json{
      {"url", url},
      {"ca_certificate", as_text(authority)},
      {"signing_key",
       signing_key.text()}}.dump(2);
  write_file(data.published() / "gateway.json", as_bytes(json + '\n'), 0644);
}

void greet(const DataDirectory& data, const std::string& url,
           const crypto::VerifyKey& signing_key) {
  const std::string published = data.published().string();
  std::cout << "Letterbox serves " << url << "\n"
            << "  its signing key  " << signing_key.fingerprint() << "\n"
            << "  a client trusts it with   letterbox connect " << published << "/gateway.json\n"
            << "  and curl with             curl --cacert " << published << "/ca.pem\n"
            << std::flush;
}

}  // namespace

void serve(const Config& config) {
  const sigset_t signals = block_signals();
  const ListenAddress address = parse_listen_address(config.listen);
  become_user(config.user, config.data);
  forbid_dumps();

  // What stands on something is made after it, so that it ends before it: listener, transport
  // (which waits for running requests), routes, database, lock.
  DataDirectory data(config.data);
  if (!data.try_lock()) {
    throw Error(ErrorCode::kConfiguration,
                "another letterboxd serves from " + config.data.string() + "; stop it first");
  }
  const crypto::SigningKey signing_key = data.signing_key();
  const ServerCertificate certificate = server_certificate(data);
  Database database(config, data, true);
  const storage::Swept swept = database.store().sweep();
  log::info("swept unfinished uploads",
            {{"files", std::to_string(swept.files)}, {"rows", std::to_string(swept.rows)}});

  const std::unique_ptr<dicom::Inspector> inspector = dicom::make_signature_inspector();
  const Routes routes({database.store(), *inspector, signing_key});
  const transport::Transport transport({.endpoints = {{.host = address.host,
                                                       .port = address.port,
                                                       .certificate_chain = certificate.chain,
                                                       .private_key = certificate.private_key}},
                                        .limits = {}});
  const std::string url = address.url(transport.port());
  http_listener listener(url);
  const auto handler = [&](const web::http::http_request& request) { routes.handle(request); };
  listener.support(handler);
  // cpprestsdk would answer these two by itself.
  listener.support(web::http::methods::OPTIONS, handler);
  listener.support(web::http::methods::TRCE, handler);
  listener.open().wait();

  write_trust_file(data, url, signing_key.verify_key());
  greet(data, url, signing_key.verify_key());
  log::info("serving", {{"address", address.host}, {"port", std::to_string(transport.port())}});

  wait_for_stop(signals, database, data);
  listener.close().wait();
}

}  // namespace letterbox::gateway
