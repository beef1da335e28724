#include "tests/gateway/transport/test_server.h"

#include <algorithm>

#include "gateway/transport/exchange.h"

namespace letterbox::test {

using gateway::transport::body_of;
using gateway::transport::Limits;
using gateway::transport::Options;
using gateway::transport::reply;
using gateway::transport::Transport;
using web::http::http_request;
using web::http::http_response;

Options TestServer::options() const {
  Options options;
  options.endpoints = {{.host = "127.0.0.1",
                        .certificate_chain = files_.certificate(),
                        .private_key = files_.private_key()},
                       {.host = "127.0.0.1",
                        .certificate_chain = files_.certificate(),
                        .private_key = files_.private_key(),
                        .client_authority = files_.authority()}};
  return options;
}

TestServer::TestServer(const Limits& limits) {
  on("/hello", [](const http_request& request) { request.reply(200, "hello"); });
  on("/length", [](const http_request& request) {
    http_response response(200);
    response.set_body(std::to_string(count_body(request)));
    reply(request, response);
  });
  on("/echo", [](const http_request& request) {
    const auto length = gateway::transport::content_length(request);
    reply(request, http_response(200), body_of(request), length.value_or(0));
  });
  on("/early", [](const http_request& request) {
    http_response response(413);
    response.set_body("too large");
    reply(request, response);
  });

  on("/peer", [](const http_request& request) {
    const auto& peer = gateway::transport::peer_of(request);
    http_response response(200);
    response.set_body(peer.certificate ? peer.address + ' ' + peer.certificate->subject + ' ' +
                                             to_hex(peer.certificate->spki_sha256)
                                       : peer.address);
    reply(request, response);
  });

  Options with_limits = options();
  with_limits.limits = limits;
  with_limits.certificate_refused = [this](const gateway::transport::Peer& peer) {
    const std::lock_guard lock(mutex_);
    refused_.push_back(peer);
  };
  transport_ = std::make_unique<Transport>(with_limits);
  open_listener();
}

void TestServer::open_listener() {
  for (const std::uint16_t port : {port(), machine_port()}) {
    auto listener = std::make_unique<web::http::experimental::listener::http_listener>(
        "https://127.0.0.1:" + std::to_string(port) + "/");
    listener->support([this](const http_request& request) { handle(request); });
    listener->open().wait();
    listeners_.push_back(std::move(listener));
  }
}

TestServer::~TestServer() {
  stop();
}

void TestServer::close_listener() {
  for (const auto& listener : listeners_) listener->close().wait();
  listeners_.clear();
}

void TestServer::stop() {
  close_listener();
  transport_.reset();
}

std::vector<gateway::transport::Peer> TestServer::refused() const {
  const std::lock_guard lock(mutex_);
  return refused_;
}

void TestServer::on(const std::string& path, Handler handler) {
  const std::lock_guard lock(mutex_);
  handlers_[path] = std::move(handler);
}

void TestServer::handle(const http_request& request) {
  static const std::string kBytes = "/bytes/";
  const std::string path = request.request_uri().path();
  if (path.starts_with(kBytes)) {
    const std::uint64_t length = std::stoull(path.substr(kBytes.size()));
    Filler content(length);
    reply(request, http_response(200), content, length);
    return;
  }
  Handler handler;
  {
    const std::lock_guard lock(mutex_);
    const auto found = handlers_.find(path);
    if (found != handlers_.end()) handler = found->second;
  }
  if (handler) {
    handler(request);
  } else {
    reply(request, http_response(404));
  }
}

ByteView Filler::next() {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, piece_.size()));
  left_ -= size;
  return ByteView(piece_).first(size);
}

std::uint64_t count_body(const http_request& request) {
  Source& body = body_of(request);
  std::uint64_t size = 0;
  for (ByteView piece = body.next(); !piece.empty(); piece = body.next()) size += piece.size();
  return size;
}

std::string get(const std::string& path, const std::string& fields) {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n";
}

std::string post(const std::string& path, const std::string& body, const std::string& fields) {
  return "POST " + path +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         fields + "\r\n" + body;
}

}  // namespace letterbox::test
