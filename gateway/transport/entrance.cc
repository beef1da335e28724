#include "gateway/transport/entrance.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

#include "base/error.h"
#include "base/log.h"
#include "gateway/transport/messages.h"
#include "gateway/transport/tls_wire.h"

namespace letterbox::gateway::transport {

namespace asio = boost::asio;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

namespace {

// After a connection couldn't be accepted: trying again at once would only burn a core.
constexpr std::chrono::milliseconds kAcceptPause{50};

[[noreturn]] void refuse(const Endpoint& endpoint, const error_code& error) {
  const std::string where = endpoint.host + " port " + std::to_string(endpoint.port);
  std::string why = error.message();
  if (error == asio::error::address_in_use) {
    why = "another program listens there; stop it, or choose another port";
  } else if (error == boost::system::errc::address_not_available) {
    why = "this machine has no such address";
  } else if (error == asio::error::access_denied) {
    why = "not allowed; ports below 1024 want a privilege";
  }
  throw Error(ErrorCode::kConfiguration, "can't listen on " + where + ": " + why);
}

Tcp::acceptor bind(asio::io_context& io, const Endpoint& wanted) {
  error_code error;
  const auto address = asio::ip::make_address(wanted.host, error);
  if (error) {
    throw Error(ErrorCode::kConfiguration,
                "can't listen on " + wanted.host + ": it isn't an IP address");
  }
  const Tcp::endpoint endpoint(address, wanted.port);
  Tcp::acceptor acceptor{asio::any_io_executor(asio::make_strand(io))};
  acceptor.open(endpoint.protocol(), error);
  if (error) refuse(wanted, error);
  acceptor.set_option(Tcp::acceptor::reuse_address(true), error);
  if (address.is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
  acceptor.bind(endpoint, error);
  if (error) refuse(wanted, error);
  acceptor.listen(Tcp::acceptor::max_listen_connections, error);
  if (error) refuse(wanted, error);
  acceptor.native_non_blocking(true, error);
  if (error) refuse(wanted, error);
  return acceptor;
}

int open_spare() noexcept {
  return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

}  // namespace

Entrance::Entrance(asio::io_context& io, asio::any_io_executor handshakes, const Endpoint& endpoint,
                   Commons& commons, Workers& workers, Adopt adopt,
                   std::function<void(const Peer&)> certificate_refused)
    : endpoint_(endpoint),
      commons_(commons),
      workers_(workers),
      adopt_(std::move(adopt)),
      router_([this](const RequestHead& head) { return route(head); }),
      certificate_refused_(std::move(certificate_refused)),
      tell_refused_([this](const Peer& peer) { tell_refused(peer); }),
      io_(io),
      handshakes_(std::move(handshakes)),
      acceptor_(bind(io, endpoint)),
      port_(acceptor_.local_endpoint().port()),
      spare_(open_spare()),
      tls_(std::make_shared<const TlsContext>(endpoint)) {}

Entrance::~Entrance() {
  if (spare_ >= 0) ::close(spare_);
}

void Entrance::open() {
  {
    const std::lock_guard lock(mutex_);
    if (opened_) return;
    opened_ = true;
  }
  asio::co_spawn(
      acceptor_.get_executor(), [this] { return accept(); }, asio::detached);
}

void Entrance::close() {
  asio::post(acceptor_.get_executor(), [this] {
    error_code ignored;
    acceptor_.close(ignored);
  });
}

std::shared_ptr<const TlsContext> Entrance::tls() const {
  const std::lock_guard lock(mutex_);
  return tls_;
}

void Entrance::use(std::shared_ptr<const TlsContext> tls) {
  const std::lock_guard lock(mutex_);
  tls_ = std::move(tls);
}

asio::awaitable<void> Entrance::accept() {
  asio::steady_timer pause(acceptor_.get_executor());
  while (acceptor_.is_open()) {
    error_code error;
    Tcp::socket socket =
        co_await acceptor_.async_accept(asio::any_io_executor(asio::make_strand(io_)),
                                        asio::redirect_error(asio::use_awaitable, error));
    if (!error) {
      ++commons_.counters.connections_accepted;
      if (!take_in(std::move(socket))) ++commons_.counters.connections_shed;
      continue;
    }
    if (error == asio::error::operation_aborted) continue;
    if (error == asio::error::no_descriptors || error.value() == ENFILE) shed();
    pause.expires_after(kAcceptPause);
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
  }
}

// False: there is no room, or no memory for it now.
bool Entrance::take_in(Tcp::socket socket) try {
  return adopt_(std::make_unique<TlsWire>(std::move(socket), tls(), handshakes_, tell_refused_),
                router_);
} catch (const std::exception&) {
  return false;
}

// Descriptors are used up, so nobody can be accepted, not even to be sent away; and whoever waits
// would wait until he gives up. So one descriptor is kept, and lent for a moment to each of them.
void Entrance::shed() {
  constexpr int kAtOnce = 64;
  for (int i = 0; i < kAtOnce && spare_ >= 0; ++i) {
    ::close(spare_);
    const int socket = ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC);
    const bool accepted = socket >= 0;
    if (accepted) ::close(socket);
    spare_ = open_spare();
    if (!accepted) return;
    ++commons_.counters.connections_accepted;
    ++commons_.counters.connections_shed;
  }
  // Somebody else took the one that was lent.
  if (spare_ < 0) spare_ = open_spare();
}

Route Entrance::route(const RequestHead& head) {
  web::uri target;
  std::string host;
  try {
    target = head.target.path_and_query;
    // Only a client that takes us for its proxy names the host here.
    if (!head.target.authority.empty()) host = web::uri("https://" + head.target.authority).host();
  } catch (const web::uri_exception&) {
    throw Refusal(400, "The request target can't be read.");
  }
  // RFC 9110 section 7.4.
  if (!host.empty() && !tls()->names(host)) throw Refusal(421, "This server isn't that host.");
  auto listener = listeners_.find(target.path());
  // A gateway that is about to stop mustn't look as if everything in it were gone.
  if (!listener && listeners_.empty()) throw Refusal(503, "This server is stopping.");
  if (!listener) throw Refusal(404, "There is nothing here by that name.");
  const auto lease = std::make_shared<Listeners::Lease>(std::move(*listener));
  return [this, lease](const std::shared_ptr<Handoff>& handoff) {
    workers_.post(handoff->peer().network, [this, lease, handoff] { handle(*lease, handoff); });
  };
}

void Entrance::handle(Listeners::Lease& listener, const std::shared_ptr<Handoff>& handoff) {
  try {
    listener->handle_request(make_request(handoff, listener->uri()));
  } catch (const Error& error) {
    log::error("a handler failed", error);
  } catch (const std::exception&) {
    // Its text may hold anything, so it isn't logged.
    log::error("a handler failed with a foreign exception");
  }
}

// On the thread for handshakes, which doesn't wait for anything. Nor does it pile up what it has to
// tell: a handshake that fails costs whoever wants it little.
void Entrance::tell_refused(const Peer& peer) {
  if (!certificate_refused_) return;
  auto share = commons_.requests.take(peer.network, 1);
  if (!share) return;
  const auto held = std::make_shared<Budget::Lease>(*std::move(share));
  workers_.post(peer.network, [this, peer, held] { certificate_refused_(peer); });
}

}  // namespace letterbox::gateway::transport
