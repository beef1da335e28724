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

// Signals that end the gateway, blocked before there are threads, so that all inherit the mask and
// sigwait() is the one place where they arrive.
sigset_t block_stop_signals() {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  return stop;
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
  const sigset_t stop = block_stop_signals();
  const ListenAddress address = parse_listen_address(config.listen);
  become_user(config.user, config.data);
  forbid_dumps();

  DataDirectory data(config.data);
  if (!data.try_lock()) {
    throw Error(ErrorCode::kConfiguration,
                "another letterboxd serves from " + config.data.string() + "; stop it first");
  }
  const crypto::SigningKey signing_key = data.signing_key();
  const ServerCertificate certificate = server_certificate(data);
  // The port before the database: the commonest mistake should show at once.
  auto transport = std::make_unique<transport::Transport>(
      transport::Options{.host = address.host,
                         .port = address.port,
                         .certificate_chain = certificate.chain,
                         .private_key = certificate.private_key,
                         .limits = {}});

  Database database(config, data, true);
  const storage::Swept swept = database.store().sweep();
  log::info("swept unfinished uploads",
            {{"files", std::to_string(swept.files)}, {"rows", std::to_string(swept.rows)}});

  const std::unique_ptr<dicom::Inspector> inspector = dicom::make_signature_inspector();
  const Routes routes({database.store(), *inspector, signing_key});
  const std::string url = address.url(transport->port());
  http_listener listener(url);
  const auto handler = [&](const web::http::http_request& request) { routes.handle(request); };
  listener.support(handler);
  // cpprestsdk would answer these two by itself.
  listener.support(web::http::methods::OPTIONS, handler);
  listener.support(web::http::methods::TRCE, handler);
  listener.open().wait();

  write_trust_file(data, url, signing_key.verify_key());
  greet(data, url, signing_key.verify_key());
  log::info("serving", {{"address", address.host}, {"port", std::to_string(transport->port())}});

  int signal = 0;
  sigwait(&stop, &signal);
  log::info("stopping", {{"signal", std::to_string(signal)}});
  listener.close().wait();
  // Waits for requests that still run, so it goes before what they stand on.
  transport.reset();
}

}  // namespace letterbox::gateway
