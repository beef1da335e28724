#include "gateway/transport/listeners.h"

#include <stdexcept>

namespace letterbox::gateway::transport {

namespace {

std::string without_last_slash(std::string path) {
  while (path.ends_with('/')) path.pop_back();
  return path;
}

}  // namespace

void Listeners::add(Listener* listener) {
  const std::lock_guard lock(mutex_);
  if (!by_path_.emplace(without_last_slash(listener->uri().path()), listener).second) {
    throw std::invalid_argument("there is a listener for this path already");
  }
}

void Listeners::remove(Listener* listener) {
  const std::lock_guard lock(mutex_);
  std::erase_if(by_path_, [listener](const auto& entry) { return entry.second == listener; });
}

bool Listeners::wait_until_unused(Listener* listener, std::chrono::steady_clock::duration time) {
  std::unique_lock lock(mutex_);
  return given_back_.wait_for(lock, time, [&] { return leases_.count(listener) == 0; });
}

bool Listeners::empty() const {
  const std::lock_guard lock(mutex_);
  return by_path_.empty();
}

std::optional<Listeners::Lease> Listeners::find(const std::string& path) {
  const std::lock_guard lock(mutex_);
  std::string prefix = without_last_slash(path);
  while (true) {
    if (const auto found = by_path_.find(prefix); found != by_path_.end()) {
      ++leases_[found->second];
      return Lease(*this, found->second);
    }
    if (prefix.empty()) return std::nullopt;
    prefix.resize(prefix.rfind('/'));
  }
}

void Listeners::give_back(Listener* listener) {
  {
    const std::lock_guard lock(mutex_);
    const auto lease = leases_.find(listener);
    if (--lease->second == 0) leases_.erase(lease);
  }
  given_back_.notify_all();
}

}  // namespace letterbox::gateway::transport
