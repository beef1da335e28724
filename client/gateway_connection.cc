#include "client/gateway_connection.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <charconv>
#include <chrono>
#include <limits>

#include "base/error.h"
#include "base/uuid.h"
#include "client/problem.h"
#include "crypto/hash.h"
#include "records/content_digest.h"
#include "records/http_signature.h"

namespace letterbox::client {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::seconds kConnectTime{15};
// Without one byte moving. The gateway's COMMIT of a large file falls into it.
constexpr std::chrono::seconds kStallTime{90};
constexpr std::uint32_t kMaxAnswerHeader = 32 * 1024;
constexpr std::size_t kMaxText = 64 * 1024 * 1024;
constexpr std::size_t kMaxProblem = 64 * 1024;
// flat_buffer reads as much at once as its capacity lets it.
constexpr std::size_t kReadSize = 256 * 1024;

struct Address {
  std::string host;  ///< without brackets
  std::string port;
  std::string authority;  ///< for the Host field
};

Address parse_url(const std::string& url) {
  const auto unusable = [] {
    return Error(
        ErrorCode::kConfiguration,
        "the gateway's URL must be https://HOST or https://HOST:PORT, and nothing after it");
  };
  constexpr std::string_view kScheme = "https://";
  if (!url.starts_with(kScheme)) throw unusable();
  std::string authority = url.substr(kScheme.size());
  if (authority.ends_with('/')) authority.pop_back();
  std::string host = authority;
  std::string port = "443";
  // A colon inside brackets belongs to an IPv6 address.
  const std::size_t colon = authority.rfind(':');
  if (colon != std::string::npos && authority.find(']', colon) == std::string::npos) {
    host = authority.substr(0, colon);
    port = authority.substr(colon + 1);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const std::string letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:";
  if (host.empty() || host.find_first_not_of(letters) != std::string::npos || port.empty() ||
      port.size() > 5 || port.find_first_not_of("0123456789") != std::string::npos)
    throw unusable();
  return {host, port, authority};
}

std::string quoted(const error_code& error) {
  return " (" + error.message() + ")";
}

// One TCP connection under TLS, driven by the calling thread: an operation is begun, and then the
// loop turns until it is done. Reading and writing may both be under way.
class Wire {
 public:
  Wire(asio::ssl::context& tls, const Address& address)
      : address_(address), stream_(loop_, tls), incoming_(kReadSize * 2) {
    incoming_.reserve(kReadSize);
    connect();
    shake_hands();
  }

  asio::ssl::stream<tcp::socket>& stream() { return stream_; }
  beast::flat_buffer& incoming() { return incoming_; }

  /// Begins an operation and waits for it. `begin` gets a callback that takes an error code first.
  template <typename Begin>
  error_code wait(Begin begin, std::chrono::seconds patience = kStallTime) {
    bool done = false;
    error_code result;
    begin([&](const error_code& error, auto&&...) {
      result = error;
      done = true;
    });
    while (!done) turn(patience);  // NOLINT(bugprone-infinite-loop): the callback ends it
    return result;
  }

  /// Lets one thing happen. Throws Error kNetwork if nothing does for so long.
  void turn(std::chrono::seconds patience = kStallTime) {
    if (loop_.stopped()) loop_.restart();
    if (loop_.run_one_for(patience) == 0)
      throw Error(ErrorCode::kNetwork, "the gateway at " + address_.authority +
                                           " has stopped responding; try again later");
  }

  /// Whether an idle connection is still there. The gateway may have closed it, and then there is
  /// something to read.
  bool is_quiet() {
    char byte = 0;
    const ssize_t count =
        ::recv(stream_.next_layer().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) && incoming_.size() == 0;
  }

 private:
  void connect() {
    const auto unreachable = [&](const error_code& error) {
      return Error(ErrorCode::kNetwork, "the gateway at " + address_.authority +
                                            " can't be reached" + quoted(error) +
                                            "; does it run there, and is the URL right?");
    };
    tcp::resolver resolver(loop_);
    tcp::resolver::results_type endpoints;
    const error_code resolved = wait(
        [&](auto callback) {
          resolver.async_resolve(address_.host, address_.port,
                                 [&endpoints, callback](const error_code& error, auto results) {
                                   endpoints = std::move(results);
                                   callback(error);
                                 });
        },
        kConnectTime);
    if (resolved) throw unreachable(resolved);
    const error_code connected =
        wait([&](auto callback) { asio::async_connect(stream_.next_layer(), endpoints, callback); },
             kConnectTime);
    if (connected) throw unreachable(connected);
    error_code ignored;  // only speed depends on it
    stream_.next_layer().set_option(tcp::no_delay(true), ignored);
  }

  void shake_hands() {
    // RFC 9110 section 4.3.4: a certificate for an IP address carries it as such; names are matched
    // otherwise, and SNI (RFC 6066 section 3) is for names alone.
    SSL* const ssl = stream_.native_handle();
    X509_VERIFY_PARAM* const expected = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_ip_asc(expected, address_.host.c_str()) != 1 &&
        (X509_VERIFY_PARAM_set1_host(expected, address_.host.c_str(), 0) != 1 ||
         SSL_set_tlsext_host_name(ssl, address_.host.c_str()) != 1))
      throw Error(ErrorCode::kInternal, "the gateway's host can't be given to OpenSSL");

    const error_code shaken = wait(
        [&](auto callback) { stream_.async_handshake(asio::ssl::stream_base::client, callback); },
        kConnectTime);
    if (!shaken) return;
    const long verdict = SSL_get_verify_result(ssl);
    if (verdict != X509_V_OK)
      throw Error(ErrorCode::kNetwork,
                  "whoever answers at " + address_.authority +
                      " isn't the gateway that was connected: its certificate isn't accepted (" +
                      X509_verify_cert_error_string(verdict) +
                      "); if its operator renewed its CA, run letterbox connect again");
    throw Error(ErrorCode::kNetwork, "no TLS connection with " + address_.authority +
                                         quoted(shaken) + "; is that a letterbox gateway?");
  }

  Address address_;
  asio::io_context loop_{1};
  asio::ssl::stream<tcp::socket> stream_;
  beast::flat_buffer incoming_;
};

using AnswerParser = http::response_parser<http::buffer_body>;
using Request = http::request<http::empty_body>;

// A fresh context trusts nobody; this adds the one CA. The system's stay out.
void trust_only(asio::ssl::context& tls, const std::string& ca_certificate) {
  SSL_CTX* const context = tls.native_handle();
  error_code error;
  tls.add_certificate_authority(asio::buffer(ca_certificate), error);
  const bool has_ca =
      sk_X509_OBJECT_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(context))) > 0;
  if (error || !has_ca)
    throw Error(ErrorCode::kConfiguration, "the gateway's CA certificate can't be read");
  tls.set_verify_mode(asio::ssl::verify_peer);
  if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1)
    throw Error(ErrorCode::kInternal, "TLS 1.2 can't be required");
}

std::string text_of(beast::string_view text) {
  return {text.data(), text.size()};
}

AnswerHead head_of(const AnswerParser& parser) {
  std::map<std::string, std::string> fields;
  for (const auto& field : parser.get()) {
    std::string name = text_of(field.name_string());
    std::ranges::transform(name, name.begin(), [](char letter) {
      return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    });
    fields.emplace(std::move(name), text_of(field.value()));
  }
  return {parser.get().result_int(), std::move(fields)};
}

// RFC 9421 over the request as it stands; RFC 9530 says what its body will be.
void sign(Request& request, const std::string& gateway_name, const crypto::SigningKey& key) {
  const std::string method = text_of(request.method_string());
  const std::string uri = gateway_name + text_of(request.target());
  const auto fields = records::sign_request(
      {.method = method,
       .target_uri = uri,
       .field_lines =
           [&](std::string_view name) {
             std::vector<std::string> lines;
             const auto [begin, end] = request.equal_range({name.data(), name.size()});
             for (auto line = begin; line != end; ++line) lines.push_back(text_of(line->value()));
             return lines;
           }},
      {.created = records::now(), .nonce = Uuid::v7().text()}, key);
  request.set("Signature-Input", fields.signature_input);
  request.set("Signature", fields.signature);
}

}  // namespace

struct GatewayConnection::State {
  State(const std::string& url, const std::string& ca_certificate, std::string own_name,
        const crypto::SigningKey& signing_key)
      : address(parse_url(url)), name(std::move(own_name)), key(signing_key) {
    trust_only(tls, ca_certificate);
  }

  Address address;
  std::string name;  ///< the gateway's URL, without a slash at its end
  const crypto::SigningKey& key;
  asio::ssl::context tls{asio::ssl::context::tls_client};
  std::unique_ptr<Wire> wire;  ///< null, or idle and fit for the next request

  /// An answer whose header has been read.
  struct Answer {
    AnswerParser parser;
    std::unique_ptr<Wire> wire;
    bool reusable = true;
  };

  [[noreturn]] void broken(const error_code& error) const {
    throw Error(ErrorCode::kNetwork, "the connection with the gateway at " + address.authority +
                                         " broke off" + quoted(error) + "; try again");
  }

  std::unique_ptr<Wire> take_wire() {
    if (wire && wire->is_quiet()) return std::move(wire);
    wire.reset();
    return std::make_unique<Wire>(tls, address);
  }

  /// Sends a request and reads the answer's header; throws for every answer that isn't a success.
  std::unique_ptr<Answer> exchange(http::verb method, const std::string& target,
                                   const RequestBody* body, const RequestFields& fields = {});
  /// The head of an answer that has no body to speak of.
  AnswerHead head(http::verb method, const std::string& target, const RequestBody* body,
                  const RequestFields& fields);
  /// Pushes the body out while listening for an answer; whether all of it went.
  bool send_body(Answer& answer, const RequestBody& body, std::optional<error_code>& answered);
  /// The next bytes of an answer's body, into `buffer`; none at its end.
  std::size_t read_some(Answer& answer, std::span<Byte> buffer);
  std::string read_text(Answer& answer, std::size_t limit);
  std::string text(http::verb method, const std::string& target, const RequestBody* body);
};

std::unique_ptr<GatewayConnection::State::Answer> GatewayConnection::State::exchange(
    http::verb method, const std::string& target, const RequestBody* body,
    const RequestFields& fields) {
  Request request(method, target, 11);
  request.set(http::field::host, address.authority);
  request.set(http::field::user_agent, "letterbox");
  request.set(http::field::accept, "*/*");
  for (const auto& [field, value] : body != nullptr ? body->fields : fields)
    request.set(field, value);
  if (body == nullptr && method == http::verb::post) request.content_length(0);
  if (body != nullptr) {
    request.set(http::field::content_type,
                beast::string_view(body->content_type.data(), body->content_type.size()));
    request.set("Content-Digest", records::content_digest(body->sha256));
    request.content_length(body->length);
  }
  sign(request, name, key);

  auto answer = std::make_unique<Answer>();
  answer->wire = take_wire();
  answer->parser.header_limit(kMaxAnswerHeader);
  answer->parser.body_limit(std::numeric_limits<std::uint64_t>::max());
  answer->parser.skip(method == http::verb::head);
  Wire& connection = *answer->wire;

  http::request_serializer<http::empty_body> serializer(request);
  if (const error_code error = connection.wait([&](auto callback) {
        http::async_write_header(connection.stream(), serializer, callback);
      }))
    broken(error);

  // From here on the gateway may answer, whether or not it has the whole body: an early refusal
  // would be lost if we only looked after sending everything.
  std::optional<error_code> answered;
  http::async_read_header(connection.stream(), connection.incoming(), answer->parser,
                          [&](const error_code& error, std::size_t) { answered = error; });
  const bool sent = body == nullptr || send_body(*answer, *body, answered);
  while (!answered) connection.turn();
  if (*answered) broken(*answered);

  answer->reusable = sent && answer->parser.keep_alive();
  const unsigned status = answer->parser.get().result_int();
  if (status >= 200 && status < 300) {
    if (sent) return answer;
    throw Error(ErrorCode::kNetwork, "the gateway answers before it has the whole file; try again");
  }
  const std::string date = text_of(answer->parser.get()[http::field::date]);
  throw problem_error(status, read_text(*answer, kMaxProblem), date);
}

bool GatewayConnection::State::send_body(Answer& answer, const RequestBody& body,
                                         std::optional<error_code>& answered) {
  Wire& connection = *answer.wire;
  std::uint64_t sent = 0;
  for (bool last = false; !last;) {
    const ByteView piece = body.body.next();
    last = piece.empty();
    sent += piece.size();
    if (last && sent != body.length)
      throw Error(ErrorCode::kInternal, "a request's body isn't as long as it was announced");
    if (last) return true;

    // The state lives on the heap: where the gateway answers before it took this piece, the write
    // is left behind unfinished.
    const auto written = std::make_shared<std::optional<error_code>>();
    const auto callback = [written](const error_code& error, std::size_t) { *written = error; };
    const asio::const_buffer bytes(piece.data(), piece.size());
    asio::async_write(connection.stream(), bytes, callback);
    while (!*written && !answered) connection.turn();
    // Answered while it still writes: refused. Or failed: the gateway has gone, and its reason may
    // be on the way to us.
    if (!*written || **written) return false;
  }
  return true;
}

std::size_t GatewayConnection::State::read_some(Answer& answer, std::span<Byte> buffer) {
  while (!answer.parser.is_done()) {
    auto& target = answer.parser.get().body();
    target.data = buffer.data();
    target.size = buffer.size();
    target.more = true;
    const error_code error = answer.wire->wait([&](auto callback) {
      http::async_read_some(answer.wire->stream(), answer.wire->incoming(), answer.parser,
                            callback);
    });
    if (error && error != http::error::need_buffer) broken(error);
    if (const std::size_t size = buffer.size() - target.size; size > 0) return size;
  }
  if (answer.reusable && answer.wire) wire = std::move(answer.wire);
  return 0;
}

std::string GatewayConnection::State::read_text(Answer& answer, std::size_t limit) {
  Bytes buffer(kReadSize);
  std::string text;
  while (const std::size_t size = read_some(answer, buffer)) {
    if (size > limit - text.size())
      throw Error(ErrorCode::kTooLarge, "the gateway's answer is larger than any that is needed");
    text += as_text(ByteView(buffer).first(size));
  }
  return text;
}

std::string GatewayConnection::State::text(http::verb method, const std::string& target,
                                           const RequestBody* body) {
  return read_text(*exchange(method, target, body), kMaxText);
}

AnswerHead GatewayConnection::State::head(http::verb method, const std::string& target,
                                          const RequestBody* body, const RequestFields& fields) {
  const auto answer = exchange(method, target, body, fields);
  AnswerHead head = head_of(answer->parser);
  read_text(*answer, 0);
  return head;
}

class GatewayConnection::Arriving final : public Source {
 public:
  Arriving(State& state, std::unique_ptr<State::Answer> answer)
      : state_(state), answer_(std::move(answer)), buffer_(kReadSize) {}
  ByteView next() override {
    return ByteView(buffer_).first(answer_->wire ? state_.read_some(*answer_, buffer_) : 0);
  }

 private:
  State& state_;
  std::unique_ptr<State::Answer> answer_;
  Bytes buffer_;
};

const std::string& AnswerHead::field(const std::string& name) const {
  static const std::string kNone;
  const auto found = fields_.find(name);
  return found == fields_.end() ? kNone : found->second;
}

std::uint64_t AnswerHead::number(const std::string& name) const {
  const std::string& text = field(name);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    throw Error(ErrorCode::kMalformed, "the gateway's answer isn't as documented, at: " + name);
  return value;
}

GatewayConnection::GatewayConnection(const Gateway& gateway,
                                     const std::optional<std::string>& server,
                                     const crypto::SigningKey& key)
    : state_(std::make_unique<State>(server.value_or(gateway.url), gateway.ca_certificate,
                                     gateway.url.substr(0, gateway.url.find_last_not_of('/') + 1),
                                     key)) {}

GatewayConnection::~GatewayConnection() = default;

std::string GatewayConnection::get(const std::string& target) {
  return state_->text(http::verb::get, target, nullptr);
}

std::string GatewayConnection::put(const std::string& target, const RequestBody& body) {
  return state_->text(http::verb::put, target, &body);
}

std::string GatewayConnection::post(const std::string& target, const RequestBody& body) {
  return state_->text(http::verb::post, target, &body);
}

std::string GatewayConnection::put(const std::string& target, std::string_view content_type,
                                   std::string_view body) {
  ViewSource source(as_bytes(body));
  return put(target, {content_type, source, body.size(), crypto::sha256(as_bytes(body))});
}

std::string GatewayConnection::post(const std::string& target, std::string_view content_type,
                                    std::string_view body) {
  ViewSource source(as_bytes(body));
  return post(target, {content_type, source, body.size(), crypto::sha256(as_bytes(body))});
}

std::string GatewayConnection::remove(const std::string& target) {
  return state_->text(http::verb::delete_, target, nullptr);
}

AnswerHead GatewayConnection::head(const std::string& target, const RequestFields& fields) {
  return state_->head(http::verb::head, target, nullptr, fields);
}

AnswerHead GatewayConnection::post_empty(const std::string& target, const RequestFields& fields) {
  return state_->head(http::verb::post, target, nullptr, fields);
}

AnswerHead GatewayConnection::patch(const std::string& target, const RequestBody& body) {
  return state_->head(http::verb::patch, target, &body, {});
}

std::unique_ptr<Source> GatewayConnection::download(const std::string& target) {
  return download(target, {}).body;
}

Download GatewayConnection::download(const std::string& target, const RequestFields& fields) {
  auto answer = state_->exchange(http::verb::get, target, nullptr, fields);
  AnswerHead head = head_of(answer->parser);
  return {std::move(head), std::make_unique<Arriving>(*state_, std::move(answer))};
}

void check_usable(const Gateway& gateway) {
  parse_url(gateway.url);
  asio::ssl::context tls{asio::ssl::context::tls_client};
  trust_only(tls, gateway.ca_certificate);
}

std::string query_value(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char letter : text) {
    const bool is_unreserved = (letter >= 'a' && letter <= 'z') ||
                               (letter >= 'A' && letter <= 'Z') ||
                               (letter >= '0' && letter <= '9') || letter == '-' || letter == '.' ||
                               letter == '_' || letter == '~';
    if (is_unreserved) {
      encoded += letter;
    } else {
      const auto byte = static_cast<Byte>(letter);
      encoded += '%';
      encoded += kDigits[byte >> 4];
      encoded += kDigits[byte & 15];
    }
  }
  return encoded;
}

}  // namespace letterbox::client
