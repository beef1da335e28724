// Our transport, with handlers that do next to nothing.
//
//   bench_transport_ours PORT CERTIFICATE KEY
//
//   POST /discard   counts the body
//   GET /bytes/N    N bytes
//   GET /small      a few
#include <cpprest/http_listener.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <string>

#include "base/bytes.h"
#include "gateway/transport/exchange.h"
#include "gateway/transport/transport.h"

using namespace letterbox;
using namespace letterbox::gateway;
using web::http::http_request;
using web::http::http_response;
using web::http::experimental::listener::http_listener;

namespace {

class Zeros final : public Source {
 public:
  explicit Zeros(std::uint64_t length) : left_(length), piece_(std::size_t{256} * 1024) {}
  ByteView next() override {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, piece_.size()));
    left_ -= size;
    return ByteView(piece_).first(size);
  }

 private:
  std::uint64_t left_;
  const Bytes piece_;
};

void answer(const http_request& request) {
  static const std::string kBytes = "/bytes/";
  const std::string path = request.request_uri().path();
  http_response response(200);
  if (path == "/discard") {
    Source& body = transport::body_of(request);
    std::uint64_t size = 0;
    for (ByteView piece = body.next(); !piece.empty(); piece = body.next()) size += piece.size();
    response.set_body(std::to_string(size));
    transport::reply(request, response);
  } else if (path.starts_with(kBytes)) {
    const std::uint64_t length = std::stoull(path.substr(kBytes.size()));
    Zeros content(length);
    transport::reply(request, response, content, length);
  } else {
    response.set_body("small");
    transport::reply(request, response);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  try {
    const auto port = static_cast<std::uint16_t>(std::stoul(argv[1]));
    const transport::Transport transport({.endpoints = {{.host = "127.0.0.1",
                                                         .port = port,
                                                         .certificate_chain = argv[2],
                                                         .private_key = argv[3]}}});
    http_listener listener("https://127.0.0.1:" + std::to_string(port));
    listener.support(answer);
    listener.open().wait();
    int signal = 0;
    sigwait(&stop, &signal);
    listener.close().wait();
    return 0;
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "bench_transport_ours: %s\n", error.what());
    return 1;
  }
}
