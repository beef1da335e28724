// cpprestsdk's own listener, which a program that makes no Transport keeps; the same paths as in
// ours.cc, by cpprestsdk's own streams.
//
//   bench_transport_stock PORT CERTIFICATE KEY
#include <cpprest/http_listener.h>
#include <cpprest/rawptrstream.h>
#include <openssl/ssl.h>

#include <boost/asio/ssl/context.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

using web::http::http_request;
using web::http::http_response;
using web::http::experimental::listener::http_listener;
using web::http::experimental::listener::http_listener_config;

namespace {

// Never written to, so that it is the kernel's page of zeros again and again: as near to the CPU as
// the one piece that ours.cc repeats.
const std::uint8_t* zeros(std::size_t length) {
  static const std::size_t kMost = std::size_t{1} << 30;
  static const auto* const memory = static_cast<const std::uint8_t*>(std::calloc(kMost, 1));
  return memory != nullptr && length <= kMost ? memory : throw std::bad_alloc();
}

void answer(const http_request& request) {
  static const std::string kBytes = "/bytes/";
  const std::string path = request.request_uri().path();
  http_response response(200);
  if (path == "/discard") {
    auto body = request.body().streambuf();
    std::vector<std::uint8_t> piece(std::size_t{256} * 1024);
    std::uint64_t size = 0;
    for (std::size_t got = 1; got != 0; size += got) {
      got = body.getn(piece.data(), piece.size()).get();
    }
    response.set_body(std::to_string(size));
  } else if (path.starts_with(kBytes)) {
    const std::size_t length = std::stoull(path.substr(kBytes.size()));
    response.set_body(
        concurrency::streams::rawptr_stream<std::uint8_t>::open_istream(zeros(length), length),
        length);
  } else {
    response.set_body("small");
  }
  request.reply(response).wait();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  try {
    http_listener_config config;
    // It asks for each connection anew.
    config.set_ssl_context_callback([argv](boost::asio::ssl::context& tls) {
      tls.use_certificate_chain_file(argv[2]);
      tls.use_private_key_file(argv[3], boost::asio::ssl::context::pem);
    });
    http_listener listener("https://127.0.0.1:" + std::string(argv[1]), config);
    listener.support(answer);
    listener.open().wait();
    int signal = 0;
    sigwait(&stop, &signal);
    listener.close().wait();
    return 0;
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "bench_transport_stock: %s\n", error.what());
    return 1;
  }
}
