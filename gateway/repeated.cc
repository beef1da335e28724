#include "gateway/repeated.h"

#include <exception>
#include <utility>

#include "base/error.h"
#include "base/log.h"

namespace letterbox::gateway {

Repeated::Repeated(std::chrono::seconds every, const char* failure, std::function<void()> job)
    : every_(every), failure_(failure), job_(std::move(job)), thread_([this] { run(); }) {}

Repeated::~Repeated() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Repeated::wake() {
  {
    const std::lock_guard lock(mutex_);
    awake_ = true;
  }
  changed_.notify_all();
}

void Repeated::run() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, every_, [this] { return awake_ || stopping_; });
      if (stopping_) return;
      awake_ = false;
    }
    try {
      job_();
    } catch (const Error& error) {
      log::error(failure_, error);
    } catch (const std::exception&) {
      // Foreign: its text may quote anything.
      log::error(failure_, {{"by", "a foreign exception"}});
    }
  }
}

}  // namespace letterbox::gateway
