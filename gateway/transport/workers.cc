#include "gateway/transport/workers.h"

#include <utility>

namespace letterbox::gateway::transport {

Workers::Workers(std::size_t threads, std::size_t share) : share_(share) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

void Workers::post(const std::string& peer, Job job) {
  {
    const std::lock_guard lock(mutex_);
    const auto line = lines_.try_emplace(peer).first;
    line->second.waiting.push_back(std::move(job));
    give_turn(line);
  }
  changed_.notify_one();
}

void Workers::finish() {
  {
    const std::lock_guard lock(mutex_);
    finishing_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Workers::give_turn(Lines::iterator line) {
  Line& mine = line->second;
  if (mine.has_turn || mine.waiting.empty() || mine.running >= share_) return;
  mine.has_turn = true;
  turns_.push_back(line);
}

void Workers::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    // A line that waits for its share gets its turn from the thread that runs its job.
    changed_.wait(lock, [this] { return !turns_.empty() || finishing_; });
    if (turns_.empty()) return;
    const auto line = turns_.front();
    Line& mine = line->second;
    turns_.pop_front();
    mine.has_turn = false;
    Job job = std::move(mine.waiting.front());
    mine.waiting.pop_front();
    ++mine.running;
    give_turn(line);
    lock.unlock();
    job();
    job = nullptr;  // what it holds must not wait for this thread's next job
    lock.lock();
    --mine.running;
    give_turn(line);
    if (mine.running == 0 && mine.waiting.empty()) lines_.erase(line);
  }
}

}  // namespace letterbox::gateway::transport
