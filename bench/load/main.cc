// A load for a server on this machine; the scripts of bench/ call it.
//
//   letterbox_load slow A.B.C.D:PORT --connections N --seconds T
//   letterbox_load requests A.B.C.D:PORT --connections C (--count R | --seconds T) --send REQUEST…
//
// A machine shows a --certificate with its --key; a device signs with the key of --seed for the
// gateway's --url.
//
// A REQUEST is "COUNT METHOD TARGET STATUS [TYPE BODY]": so often in each turn, and the answer must
// have that status. BODY is a file, or zeros:N. Those after --fresh begin a connection of their
// own, with a full handshake.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <optional>

#include "bench/load/load.h"
#include "bench/load/signer.h"

using namespace letterbox::load;

namespace {

// Thousands of sockets.
void raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

void print_own_cpu() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("own_cpu_seconds %.3f\n", seconds(usage.ru_utime) + seconds(usage.ru_stime));
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  raise_descriptor_limit();

  CLI::App app("A load for a server on this machine");
  app.require_subcommand(1);
  std::string address;
  Security security;
  std::string seed;
  std::string url;
  std::size_t connections = 1;
  std::size_t time = 600;
  std::size_t patience = 60;
  std::size_t openings = 500;
  RequestLoad requests;
  std::vector<std::string> kept;
  std::vector<std::string> fresh;

  CLI::App* const slow = app.add_subcommand("slow", "request heads, one byte a second");
  slow->add_option("--openings", openings, "new connections a second, at the most");
  CLI::App* const ask = app.add_subcommand("requests", "one request after the other");
  ask->add_option("--suite", security.suite, "offer TLS 1.3 with this suite alone");
  ask->add_flag("--plain", security.plain, "HTTP without TLS");
  CLI::Option* const key =
      ask->add_option("--key", security.private_key, "PEM, of the certificate");
  ask->add_option("--certificate", security.certificate, "PEM, to show")->needs(key);
  CLI::Option* const called = ask->add_option("--url", url, "the gateway's name for signatures");
  ask->add_option("--seed", seed, "32 bytes, of the key that signs")->needs(called);
  ask->add_option("--count", requests.count, "of requests; 0: as many as the time lets");
  ask->add_option("--patience", patience, "seconds that an answer may take");
  ask->add_option("--report", requests.report, "say how far it is, every so many requests");
  ask->add_option("--send", kept, "a request")->take_all();
  ask->add_option("--fresh", fresh, "a request on a new connection")->take_all();
  for (CLI::App* const command : {slow, ask}) {
    command->add_option("address", address, "A.B.C.D:PORT")->required();
    command->add_option("--connections", connections, "at once");
    command->add_option("--seconds", time, "after which it ends");
  }
  CLI11_PARSE(app, argc, argv);

  try {
    const Endpoint endpoint(address, security);
    std::optional<Signer> signer;
    if (!seed.empty()) requests.signer = &signer.emplace(seed, url);
    bool good = true;
    if (slow->parsed()) {
      run_slow(endpoint, {connections, std::chrono::seconds(time), openings});
    } else {
      requests.connections = connections;
      requests.time = std::chrono::seconds(time);
      requests.patience = std::chrono::seconds(patience);
      for (const std::string& text : kept) requests.cycle.emplace_back(text, address);
      for (const std::string& text : fresh) {
        requests.cycle.emplace_back(text, address).fresh = true;
      }
      good = run_requests(endpoint, requests);
    }
    print_own_cpu();
    return good ? 0 : 1;
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "letterbox_load: %s\n", error.what());
    return 2;
  }
}
