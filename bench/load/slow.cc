#include <sys/epoll.h>

#include <array>
#include <cstdio>
#include <deque>

#include "bench/load/load.h"

namespace letterbox::load {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kTicks = 100;  // a second; connections take turns in them
constexpr std::chrono::milliseconds kTick{1000 / kTicks};

struct Slot {
  std::unique_ptr<Connection> connection;
  bool open = false;
  std::size_t sent = 0;
};

class Slow {
 public:
  Slow(const Endpoint& endpoint, const SlowLoad& load)
      : endpoint_(endpoint),
        load_(load),
        head_("GET / HTTP/1.1\r\nHost: " + endpoint.authority() + "\r\nX-Slow: "),
        slots_(load.connections) {
    for (Slot& slot : slots_) waiting_.push_back(&slot);
  }

  void run() {
    const auto begin = Clock::now();
    const auto ticks = static_cast<std::size_t>(load_.time / kTick);
    for (std::size_t tick = 0; tick < ticks; ++tick) {
      open_some(tick);
      for (std::size_t i = tick % kTicks; i < slots_.size(); i += kTicks) send_byte(slots_[i]);
      listen_until(begin + (tick + 1) * kTick);
      if (tick % kTicks == kTicks - 1) {
        std::printf("held %zu\n", held_);
        (void)std::fflush(stdout);
      }
    }
    std::printf("opened %zu\nclosed %zu\nrefused %zu\n", opened_, closed_, refused_);
  }

 private:
  // The second's allowance, spread over its ticks.
  void open_some(std::size_t tick) {
    const std::size_t now = tick % kTicks;
    std::size_t allowed = load_.openings * (now + 1) / kTicks - load_.openings * now / kTicks;
    for (; allowed > 0 && !waiting_.empty(); --allowed) {
      Slot* const slot = waiting_.front();
      waiting_.pop_front();
      slot->sent = 0;
      slot->connection = std::make_unique<Connection>(endpoint_, slot);
      ++opened_;
    }
  }

  void send_byte(Slot& slot) {
    if (!slot.open) return;
    std::string_view byte = slot.sent < head_.size() ? std::string_view(head_).substr(slot.sent, 1)
                                                     : std::string_view("x");
    const Progress progress = slot.connection->write(byte);
    if (progress == Progress::kMade) ++slot.sent;
    if (progress == Progress::kGone) lose(slot);
  }

  void listen_until(Clock::time_point end) {
    std::array<epoll_event, 256> events{};
    while (true) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
      if (left.count() <= 0) return;
      const int count = epoll_wait(endpoint_.epoll(), events.data(),
                                   static_cast<int>(events.size()), static_cast<int>(left.count()));
      for (int i = 0; i < count; ++i) {
        listen(*static_cast<Slot*>(events[static_cast<std::size_t>(i)].data.ptr));
      }
    }
  }

  void listen(Slot& slot) {
    if (!slot.open) {
      const Progress progress = slot.connection->handshake();
      if (progress == Progress::kMade) {
        slot.open = true;
        ++held_;
      } else if (progress == Progress::kGone) {
        lose(slot);
      }
      return;
    }
    std::array<char, 4096> answer{};
    std::size_t size = 0;
    Progress progress = Progress::kMade;
    while (progress == Progress::kMade) progress = slot.connection->read(answer, size);
    if (progress == Progress::kGone) lose(slot);
  }

  void lose(Slot& slot) {
    ++(slot.open ? closed_ : refused_);
    if (slot.open) --held_;
    slot.open = false;
    slot.connection.reset();
    waiting_.push_back(&slot);
  }

  const Endpoint& endpoint_;
  const SlowLoad load_;
  const std::string head_;
  std::vector<Slot> slots_;
  std::deque<Slot*> waiting_;  // to be opened
  std::size_t held_ = 0;
  std::size_t opened_ = 0;
  std::size_t closed_ = 0;   // by the server, after a handshake
  std::size_t refused_ = 0;  // before
};

}  // namespace

void run_slow(const Endpoint& endpoint, const SlowLoad& load) {
  Slow(endpoint, load).run();
}

}  // namespace letterbox::load
