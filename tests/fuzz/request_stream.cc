// The transport's connection, reading from memory. However its bytes are cut, the same requests
// reach the handlers; they are the ones that Boost.Beast sees in the same bytes, so nobody before
// or behind us can be made to see others; and what goes out is whole answers, one for each, in
// order.
#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "gateway/transport/connection.h"
#include "gateway/transport/workers.h"

using namespace letterbox;
using namespace letterbox::gateway::transport;
namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

struct Request {
  std::string method;
  std::string target;
  std::string body;
  bool operator==(const Request&) const = default;
};

class MemoryWire final : public Wire {
 public:
  MemoryWire(asio::any_io_executor executor, ByteView input, std::size_t cut, std::string& output)
      : executor_(std::move(executor)), input_(input), cut_(cut), output_(output) {}

  asio::any_io_executor executor() override { return executor_; }
  asio::awaitable<bool> open() override { co_return true; }
  Peer peer() const override { return {"192.0.2.1", "192.0.2.1", {}}; }
  asio::awaitable<std::size_t> read_some(std::span<Byte> room) override {
    const std::size_t size = std::min({room.size(), cut_, input_.size()});
    std::copy_n(input_.begin(), size, room.begin());
    input_ = input_.subspan(size);
    co_return closed_ ? 0 : size;
  }
  asio::awaitable<std::size_t> write_some(ByteView bytes) override {
    output_ += as_text(bytes);
    co_return bytes.size();
  }
  asio::awaitable<void> finish() override { co_return; }
  asio::awaitable<std::size_t> discard() override { co_return 0; }
  void cancel() noexcept override {}
  void close() noexcept override { closed_ = true; }

 private:
  asio::any_io_executor executor_;
  ByteView input_;
  std::size_t cut_;
  std::string& output_;
  bool closed_ = false;
};

struct Conversation {
  std::vector<Request> requests;  // those whose body came whole
  std::string output;
};

const Limits& limits() {
  static const Limits kLimits{
      .header_bytes = 2048, .header_fields = 20, .target_bytes = 512, .body_bytes = 16UL * 1024};
  return kLimits;
}

// The handler reads everything, then answers with the number of bytes.
void serve(const std::shared_ptr<Handoff>& handoff, Conversation& result) {
  try {
    const Bytes body = read_all(*handoff, SIZE_MAX);
    result.requests.push_back({handoff->head().method, handoff->head().target.path_and_query,
                               std::string(as_text(body))});
    const std::string answer = std::to_string(body.size());
    ViewSource content(as_bytes(answer));
    handoff->answer({.status = 200, .fields = {}, .length = answer.size()}, &content);
  } catch (const Error&) {
    handoff->abandon();
  }
}

Conversation converse(ByteView input, std::size_t cut) {
  static Workers worker(1, 1);
  Commons commons(limits());
  Conversation result;
  asio::io_context io(1);
  auto busy = asio::make_work_guard(io);
  const Router router = [&](const RequestHead&) -> Route {
    return [&](const std::shared_ptr<Handoff>& handoff) {
      worker.post("peer", [&result, handoff] { serve(handoff, result); });
    };
  };
  {
    const auto connection = std::make_shared<Connection>(
        std::make_unique<MemoryWire>(io.get_executor(), input, cut, result.output), commons,
        router);
    asio::co_spawn(
        io, [connection] { return connection->run(); },
        [&](const std::exception_ptr& failed) {
          require(!failed);
          busy.reset();
        });
  }
  io.run();
  // The connection may be done before its handler is.
  static std::mutex mutex;
  std::unique_lock lock(mutex);
  static std::condition_variable ended;
  bool is_over = false;
  worker.post("peer", [&] {
    const std::lock_guard guard(mutex);
    is_over = true;
    ended.notify_all();
  });
  ended.wait(lock, [&] { return is_over; });
  require(commons.requests.in_use() == 0 && commons.body_memory.in_use() == 0);
  return result;
}

// As many answers as there were requests, and at most one more, which is a refusal.
void check_answers(const Conversation& result) {
  std::string_view rest = result.output;
  std::size_t good = 0;
  std::size_t refusals = 0;
  bool head_only = false;
  while (!rest.empty()) {
    require(refusals == 0);
    const std::size_t end = rest.find("\r\n\r\n");
    require(end != std::string_view::npos);
    const std::string_view head = rest.substr(0, end + 2);
    rest.remove_prefix(end + 4);
    require(head.starts_with("HTTP/1.1 "));
    const std::string_view status = head.substr(9, 3);
    if (status == "100") continue;
    if (status == "200") {
      require(good < result.requests.size());
      head_only = result.requests[good++].method == "HEAD";
    } else {
      require(status[0] == '4' || status[0] == '5');
      require(status != "500");
      ++refusals;
      head_only = rest.empty();
    }
    static constexpr std::string_view kLength = "Content-Length: ";
    const std::size_t at = head.find(kLength);
    require(at != std::string_view::npos);
    const std::size_t length = std::strtoul(head.data() + at + kLength.size(), nullptr, 10);
    if (head_only) continue;
    require(rest.size() >= length);
    rest.remove_prefix(length);
  }
  require(good == result.requests.size());
}

// Beast lets pass more than we do, and is stricter in a few lists of no consequence; but where both
// see requests, they see the same ones.
void compare_with_beast(ByteView input, const std::vector<Request>& ours) {
  std::string_view rest = as_text(input);
  for (const Request& request : ours) {
    http::request_parser<http::string_body> parser;
    parser.header_limit(64 * 1024);
    parser.body_limit(limits().body_bytes);
    parser.eager(true);
    if (rest.starts_with("\r\n")) rest.remove_prefix(2);  // Beast doesn't let this one pass
    while (!parser.is_done()) {
      boost::system::error_code error;
      const std::size_t size = parser.put(asio::buffer(rest.data(), rest.size()), error);
      rest.remove_prefix(size);
      if (error || size == 0) return;
    }
    require(parser.get().method_string() == request.method);
    if (parser.get().target().starts_with('/')) require(parser.get().target() == request.target);
    require(parser.get().body() == request.body);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const Byte* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView input(data + 1, size - 1);
  const Conversation whole = converse(input, SIZE_MAX);
  check_answers(whole);
  compare_with_beast(input, whole.requests);
  const Conversation portions = converse(input, data[0] % 16 + 1U);
  check_answers(portions);
  require(whole.requests == portions.requests);
  return 0;
}
