#include "gateway/serve.h"

#include <cpprest/http_listener.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "dicom/inspector.h"
#include "gateway/admin/first_administrator.h"
#include "gateway/certificates.h"
#include "gateway/data_directory.h"
#include "gateway/database.h"
#include "gateway/disk.h"
#include "gateway/identity/authentication.h"
#include "gateway/metrics.h"
#include "gateway/notices/event_streams.h"
#include "gateway/notices/mail.h"
#include "gateway/notices/webhooks.h"
#include "gateway/process.h"
#include "gateway/readiness.h"
#include "gateway/repeated.h"
#include "gateway/routes/routes.h"
#include "gateway/stow/closer.h"
#include "gateway/sweeper.h"
#include "gateway/transport/transport.h"

namespace letterbox::gateway {

namespace {

using web::http::experimental::listener::http_listener;

constexpr std::chrono::seconds kPlaceEvery{1};
constexpr std::size_t kPlacedAtOnce = 500;
constexpr std::chrono::seconds kWaitingEvery{15};

// Blocked before there are threads, so that all inherit the mask and sigwait() is the one place
// where these arrive.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  sigaddset(&signals, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// The hospital's certificate, or else the one of the gateway's own authority.
ServerCertificate certificate_of(const Config& config, const DataDirectory& data) {
  if (config.tls_certificate.empty()) return server_certificate(data);
  return {config.tls_certificate, config.tls_private_key, config.tls_certificate};
}

std::vector<transport::Endpoint> endpoints(const Config& config,
                                           const ServerCertificate& certificate) {
  std::vector<transport::Endpoint> endpoints = {{.host = config.listen.host,
                                                 .port = config.listen.port,
                                                 .certificate_chain = certificate.chain,
                                                 .private_key = certificate.private_key}};
  if (config.machine_listen) {
    endpoints.push_back({.host = config.machine_listen->host,
                         .port = config.machine_listen->port,
                         .certificate_chain = certificate.chain,
                         .private_key = certificate.private_key,
                         .client_authority = config.machine_client_authority});
  }
  return endpoints;
}

// Whatever is wrong with the new files, the gateway goes on with what it has.
void reload_certificates(const Config& config, const DataDirectory& data,
                         transport::Transport& transport) {
  try {
    certificate_of(config, data);  // renews the own one if its time has come
    transport.reload_certificates();
    log::info("certificates reloaded");
  } catch (const Error& error) {
    log::error("certificates not reloaded; those from before stay in use", error);
  }
}

// Returns when told to stop. Should the private database server end under us, or what inspects
// DICOM, requests could only fail from then on: to end too lets whoever supervises this process
// start both anew. Throws Error kUnavailable.
void wait_for_stop(const sigset_t& signals, Database& database, const DataDirectory& data,
                   dicom::Inspector& inspector, const std::function<void()>& reload) {
  while (true) {
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal == SIGHUP) {
      reload();
    } else if (signal != SIGCHLD) {
      log::info("stopping", {{"signal", std::to_string(signal)}});
      return;
    } else if (!database.running()) {
      throw Error(ErrorCode::kUnavailable, "the private database server has ended; why is in " +
                                               (data.cluster() / "postgresql.log").string());
    } else if (!inspector.running()) {
      throw Error(ErrorCode::kUnavailable, "the process that makes inspectors has ended");
    }
  }
}

// Being told a second time cuts it short.
void give_notice(const sigset_t& signals, std::chrono::seconds notice) {
  const auto end = std::chrono::steady_clock::now() + notice;
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(
        end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return;
    constexpr std::int64_t kSecond = 1'000'000'000;
    const timespec wait{left.count() / kSecond, left.count() % kSecond};
    const int signal = sigtimedwait(&signals, nullptr, &wait);
    if (signal == SIGTERM || signal == SIGINT) return;
  }
}

// What an operator hands to a client, in one file.
void write_trust_file(const DataDirectory& data, const std::string& url,
                      const ServerCertificate& certificate, const crypto::VerifyKey& signing_key) {
  const Bytes authority = read_file(certificate.authority);
  const std::string json = nlohmann::ordered_json{
      {"url", url},
      {"ca_certificate", as_text(authority)},
      {"signing_key",
       signing_key.text()}}.dump(2);
  write_file(data.published() / "gateway.json", as_bytes(json + '\n'), 0644);
}

// Where `letterboxd health` asks: the port may have been any free one.
void write_address(const DataDirectory& data, const std::string& url) {
  write_file(data.root() / "address", as_bytes(url + '\n'), 0644);
}

// Opened listeners, which hand every request to `routes`. They must end before the transport.
std::vector<http_listener> open_listeners(const std::vector<std::string>& urls,
                                          const Routes& routes) {
  const auto handler = [&routes](const web::http::http_request& request) {
    routes.handle(request);
  };
  std::vector<http_listener> listeners;
  for (const std::string& url : urls) {
    http_listener& listener = listeners.emplace_back(url);
    listener.support(handler);
    // cpprestsdk would answer these two by itself.
    listener.support(web::http::methods::OPTIONS, handler);
    listener.support(web::http::methods::TRCE, handler);
    listener.open().wait();
  }
  return listeners;
}

}  // namespace

void serve(const Config& config) {
  const sigset_t signals = block_signals();
  become_user(config.user, config.data);
  forbid_dumps();
  keep_freed_memory();
  // Forks: before there is a key to be copied, a lock to be held or a thread.
  const std::unique_ptr<dicom::Inspector> inspector =
      dicom::make_inspector({.children = config.inspector_children});

  // What stands on something is made after it, so that it ends before it: metrics listener, HTTP
  // listeners, transport (which waits for running requests), routes, database, lock.
  DataDirectory data(config.data);
  if (!data.try_lock()) {
    throw Error(ErrorCode::kConfiguration,
                "another letterboxd serves from " + config.data.string() + "; stop it first");
  }
  const crypto::SigningKey signing_key = data.signing_key();
  const Secret<32> uid_key = data.uid_key();
  const ServerCertificate certificate = certificate_of(config, data);
  Database database(config, data, true);
  storage::Store& store = database.store();
  const storage::Swept swept = store.sweep();
  log::info("swept unfinished uploads",
            {{"files", std::to_string(swept.files)}, {"rows", std::to_string(swept.rows)}});
  make_tenant_if_missing(store, config.tenant, config.quota);

  Disk disk(config.data, config.disk_reserve, config.database.empty());
  Readiness readiness(store, disk);
  Metrics metrics;
  stow::Closer closer(store, signing_key);
  const Repeated sweeper(config.sweep_every, "what is over was not swept; tried again", [&] {
    warn_of_expiry(store, records::now(), config.expiring_notice);
    sweep(store, metrics, records::now());
    disk.may_reuse(store.reusable());
  });
  Webhooks webhooks(store, signing_key, metrics);
  const Repeated placing(kPlaceEvery, "notices didn't get their places; tried again", [&] {
    std::size_t placed = 0;
    while (const std::size_t some = store.notices().place(kPlacedAtOnce)) placed += some;
    if (placed > 0) webhooks.wake();
  });
  std::optional<Mail> mail;
  std::optional<Repeated> waiting;
  if (config.metrics_listen) {  // or nobody asks
    waiting.emplace(kWaitingEvery, "nobody could look what waits to be told", [&] {
      metrics.waiting("webhook", store.webhooks().backlog(), records::now());
      metrics.waiting("mail", store.mail().backlog(), records::now());
    });
  }
  // Made once the port is known, which people sign for.
  std::optional<Authentication> authentication;
  std::optional<EventStreams> events;
  std::optional<Routes> routes;
  transport::Transport transport(
      {.endpoints = endpoints(config, certificate),
       .limits = config.limits,
       // Not before a listener is open, and so not before there is somebody to tell.
       .certificate_refused = [&](const transport::Peer& peer) {
         authentication->certificate_refused(peer);
       }});
  std::vector<std::string> urls = {config.listen.url(transport.port())};
  if (config.machine_listen) urls.push_back(config.machine_listen->url(transport.port(1)));
  const std::string public_url = config.public_url.empty() ? urls.front() : config.public_url;
  const crypto::VerifyKey& gateway_key = signing_key.verify_key();
  authentication.emplace(store, gateway_key,
                         AuthenticationOptions{public_url, config.machine_tokens, config.rates});
  events.emplace(store, *authentication, metrics, config.event_streams);
  if (!config.mail_from.empty()) {
    mail.emplace(store, metrics,
                 MailOptions{config.mail_relay, config.mail_from, config.mail_pause, public_url});
  }
  routes.emplace(Services{store, *inspector, signing_key, *authentication, readiness, disk, metrics,
                          closer, *events, uid_key, config.stow_parts, config.allowance,
                          config.backup_retention, config.limits.body_bytes});
  std::vector<http_listener> listeners = open_listeners(urls, *routes);
  std::optional<MetricsListener> metrics_listener;
  if (config.metrics_listen) {
    metrics_listener.emplace(*config.metrics_listen, metrics, config.limits, [&] {
      return Levels{transport.statistics(), store.connection_use(), disk.free().value_or(0),
                    disk.reserve()};
    });
  }

  write_trust_file(data, public_url, certificate, signing_key.verify_key());
  write_address(data, config.listen.url_from_here(transport.port()));
  const auto first_invitation = invite_first_administrator(store, data, config.tenant);
  const std::string published = data.published().string();
  std::cout << "Letterbox serves " << public_url << "\n"
            << "  its signing key  " << signing_key.verify_key().fingerprint() << "\n"
            << "  a client trusts it with   letterbox connect " << published << "/gateway.json\n"
            << "  and curl with             curl --cacert " << certificate.authority.string()
            << "\n";
  if (public_url != urls.front()) std::cout << "  it listens on      " << urls.front() << "\n";
  if (config.machine_listen) std::cout << "  machines use       " << urls.back() << "\n";
  if (metrics_listener) {
    const ListenAddress at{config.metrics_listen->host, metrics_listener->port()};
    std::cout << "  metrics are at     http://" << at.text() << "/metrics\n";
  }
  if (first_invitation) {
    std::cout << "  its first administrator enters with   letterbox login "
              << first_invitation->string() << "\n";
  }
  std::cout << std::flush;
  log::info("serving",
            {{"address", config.listen.host}, {"port", std::to_string(transport.port())}});

  try {
    wait_for_stop(signals, database, data, *inspector,
                  [&] { reload_certificates(config, data, transport); });
  } catch (...) {
    events->end();  // or what waits for requests would wait for these
    throw;
  }
  readiness.leave();
  give_notice(signals, config.shutdown_notice);
  readiness.drain();
  events->end();
  transport.drain();
  for (http_listener& listener : listeners) listener.close().wait();
}

}  // namespace letterbox::gateway
