#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <deque>
#include <optional>
#include <stdexcept>

#include "bench/load/load.h"

namespace letterbox::load {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostErrors = 1000;        // then the server is taken to be down
constexpr std::size_t kTurnBytes = 1024 * 1024;  // of one connection, before others get a turn
const std::string kZeros(256UL * 1024, '\0');

std::uint32_t percentile(const std::vector<std::uint32_t>& sorted, std::size_t percent) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1, sorted.size() * percent / 100)];
}

/// Whose turn it is, and what came of it.
class Tally {
 public:
  explicit Tally(const RequestLoad& load)
      : load_(load), begin_(Clock::now()), latencies_(load.cycle.size()) {
    for (std::size_t kind = 0; kind < load.cycle.size(); ++kind) {
      order_.insert(order_.end(), load.cycle[kind].count, kind);
    }
    if (order_.empty()) throw std::runtime_error("nothing to ask");
  }

  /// The next request's kind; nothing: it is enough.
  std::optional<std::size_t> next() {
    if ((load_.count != 0 && begun_ == load_.count) || Clock::now() - begin_ >= load_.time ||
        errors_ >= kMostErrors) {
      return std::nullopt;
    }
    return order_[begun_++ % order_.size()];
  }

  void answered(std::size_t kind, Clock::duration took, const Answer& answer) {
    latencies_[kind].push_back(static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
    received_ += answer.body_bytes();
    sent_ += load_.cycle[kind].body.size() + load_.cycle[kind].body_zeros;
    if (answer.status() != load_.cycle[kind].status) {
      failed("status " + std::to_string(answer.status()) + " for request " + std::to_string(kind));
    }
    ++answered_;
    if (load_.report != 0 && answered_ % load_.report == 0) {
      std::printf("progress %zu\n", answered_);
      (void)std::fflush(stdout);
    }
  }

  void failed(const std::string& why) {
    if (++errors_ <= 10) (void)std::fprintf(stderr, "letterbox_load: %s\n", why.c_str());
  }

  bool print() {
    const std::chrono::duration<double> took = Clock::now() - begin_;
    std::printf("requests %zu\nerrors %zu\nseconds %.3f\nbody_bytes_sent %llu\n", answered_,
                errors_, took.count(), static_cast<unsigned long long>(sent_));
    std::printf("body_bytes_received %llu\n", static_cast<unsigned long long>(received_));
    std::vector<std::uint32_t> all;
    for (std::size_t kind = 0; kind < latencies_.size(); ++kind) {
      all.insert(all.end(), latencies_[kind].begin(), latencies_[kind].end());
      print("request" + std::to_string(kind) + '_', latencies_[kind]);
    }
    print("", all);
    return errors_ == 0;
  }

 private:
  static void print(const std::string& prefix, std::vector<std::uint32_t>& latencies) {
    std::sort(latencies.begin(), latencies.end());
    std::printf("%sp50_us %u\n%sp99_us %u\n", prefix.c_str(), percentile(latencies, 50),
                prefix.c_str(), percentile(latencies, 99));
  }

  const RequestLoad& load_;
  const Clock::time_point begin_;
  std::vector<std::size_t> order_;  // of a cycle: indices of kinds
  std::size_t begun_ = 0;
  std::size_t answered_ = 0;
  std::size_t errors_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  std::vector<std::vector<std::uint32_t>> latencies_;  // of each kind, in microseconds
};

/// Asks one request after the other, on one connection as long as that lasts.
class Client {
 public:
  Client(const Endpoint& endpoint, const RequestLoad& load, Tally& tally)
      : endpoint_(endpoint), load_(load), tally_(tally) {}

  void start() { next(); }
  bool busy() const noexcept { return busy_; }

  /// The socket is ready.
  void work() {
    try {
      if (!work_on_exchange()) return;
      tally_.answered(kind_, Clock::now() - began_, *answer_);
      if (answer_->last()) connection_.reset();
    } catch (const std::runtime_error& error) {
      connection_.reset();
      tally_.failed(error.what());
    }
    next();
  }

  void lose_patience(Clock::time_point now) {
    if (!busy_ || now - began_ < load_.patience) return;
    connection_.reset();
    tally_.failed("no answer for too long");
    next();
  }

 private:
  void next() {
    const auto kind = tally_.next();
    busy_ = kind.has_value();
    if (!busy_) return connection_.reset();
    kind_ = *kind;
    answer_.emplace();
    head_ = request().head(load_.signer);
    rest_ = head_;
    part_ = Part::kHead;
    zeros_left_ = request().body_zeros;
    began_ = Clock::now();
    if (request().fresh) connection_.reset();
    if (!connection_) {
      shaken_ = false;
      connection_ = std::make_unique<Connection>(endpoint_, this);
    } else {
      send();  // If that fails, the socket is ready for work(), which meets it again.
    }
  }

  // True: the answer is there, and all was sent.
  bool work_on_exchange() {
    if (!shaken_) {
      if (!made(connection_->handshake())) return false;
      shaken_ = true;
    }
    made(send());
    for (std::size_t taken = 0; taken < kTurnBytes && !answer_->complete();) {
      std::size_t size = 0;
      if (!made(connection_->read(room_, size))) return false;
      answer_->take({room_.data(), size});
      taken += size;
    }
    return answer_->complete() && part_ == Part::kSent;
  }

  static bool made(Progress progress) {
    if (progress == Progress::kGone) throw std::runtime_error("the server closed");
    return progress == Progress::kMade;
  }

  Progress send() {
    for (std::size_t turn = 0; part_ != Part::kSent && turn < kTurnBytes;) {
      const std::size_t before = rest_.size();
      const Progress progress = connection_->write(rest_);
      if (progress == Progress::kGone) return progress;
      if (progress == Progress::kMustWait) break;
      turn += before - rest_.size();
      if (rest_.empty()) next_part();
    }
    connection_->await_room(part_ != Part::kSent);
    return Progress::kMade;
  }

  void next_part() {
    if (part_ == Part::kHead && !request().body.empty()) {
      part_ = Part::kBody;
      rest_ = request().body;
    } else if (zeros_left_ > 0) {
      part_ = Part::kTail;
      rest_ =
          std::string_view(kZeros).substr(0, std::min<std::uint64_t>(zeros_left_, kZeros.size()));
      zeros_left_ -= rest_.size();
    } else {
      part_ = Part::kSent;
    }
  }

  const Request& request() const { return load_.cycle[kind_]; }

  enum class Part { kHead, kBody, kTail, kSent };

  const Endpoint& endpoint_;
  const RequestLoad& load_;
  Tally& tally_;
  std::unique_ptr<Connection> connection_;
  bool shaken_ = false;
  bool busy_ = false;
  std::size_t kind_ = 0;
  Clock::time_point began_;
  Part part_ = Part::kSent;
  std::string head_;
  std::string_view rest_;  // of the part
  std::uint64_t zeros_left_ = 0;
  std::optional<Answer> answer_;
  std::array<char, 16UL * 1024> room_{};
};

}  // namespace

bool run_requests(const Endpoint& endpoint, const RequestLoad& load) {
  Tally tally(load);
  std::deque<Client> clients;
  for (std::size_t i = 0; i < load.connections; ++i) clients.emplace_back(endpoint, load, tally);
  for (Client& client : clients) client.start();
  std::array<epoll_event, 64> events{};
  auto looked = Clock::now();
  while (std::any_of(clients.begin(), clients.end(), [](const Client& c) { return c.busy(); })) {
    const int count =
        epoll_wait(endpoint.epoll(), events.data(), static_cast<int>(events.size()), 1000);
    for (int i = 0; i < count; ++i) {
      static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr)->work();
    }
    if (const auto now = Clock::now(); now - looked >= std::chrono::seconds(1)) {
      looked = now;
      for (Client& client : clients) client.lose_patience(now);
    }
  }
  return tally.print();
}

}  // namespace letterbox::load
