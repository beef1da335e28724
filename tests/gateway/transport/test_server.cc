#include "tests/gateway/transport/test_server.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include "gateway/transport/exchange.h"

namespace letterbox::test {

using gateway::transport::body_of;
using gateway::transport::Limits;
using gateway::transport::Options;
using gateway::transport::reply;
using gateway::transport::Transport;
using web::http::http_request;
using web::http::http_response;

namespace {

template <typename Write>
void write_pem(const std::filesystem::path& path, Write write) {
  std::FILE* const file = std::fopen(path.c_str(), "w");
  if (file == nullptr || write(file) != 1) throw std::runtime_error("can't write " + path.string());
  std::fclose(file);
}

}  // namespace

CertificateFiles::CertificateFiles() {
  std::string name = (std::filesystem::temp_directory_path() / "transport-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("can't make a directory");
  directory_ = name;

  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
  X509* const x509 = certificate.get();
  X509_set_version(x509, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509), -60);
  X509_gmtime_adj(X509_getm_notAfter(x509), 24L * 60 * 60);
  X509_set_pubkey(x509, key.get());
  X509_NAME* const subject = X509_get_subject_name(x509);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(x509, subject);
  X509_EXTENSION* const names =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  X509_add_ext(x509, names, -1);
  X509_EXTENSION_free(names);
  X509_sign(x509, key.get(), EVP_sha256());

  write_pem(this->certificate(), [&](std::FILE* file) { return PEM_write_X509(file, x509); });
  write_pem(private_key(), [&](std::FILE* file) {
    return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

CertificateFiles::~CertificateFiles() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

Options TestServer::options() const {
  Options options;
  options.endpoints = {{.host = "127.0.0.1",
                        .certificate_chain = files_.certificate(),
                        .private_key = files_.private_key()}};
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

  Options with_limits = options();
  with_limits.limits = limits;
  transport_ = std::make_unique<Transport>(with_limits);
  open_listener();
}

void TestServer::open_listener() {
  listener_ = std::make_unique<web::http::experimental::listener::http_listener>(
      "https://127.0.0.1:" + std::to_string(port()) + "/");
  listener_->support([this](const http_request& request) { handle(request); });
  listener_->open().wait();
}

TestServer::~TestServer() {
  stop();
}

void TestServer::close_listener() {
  if (listener_) listener_->close().wait();
  listener_.reset();
}

void TestServer::stop() {
  close_listener();
  transport_.reset();
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
