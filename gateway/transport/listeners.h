// The http_listeners that the one server answers for.
#pragma once

#include <cpprest/http_listener.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace letterbox::gateway::transport {

/// Finds the listener for a path, and keeps each of them from going away while it's in use.
/// Thread-safe.
class Listeners {
 public:
  using Listener = web::http::experimental::listener::details::http_listener_impl;

  /// A listener in use. While this lives, remove() waits.
  class Lease {
   public:
    Lease(Listeners& owner, Listener* listener) : owner_(&owner), listener_(listener) {}
    Lease(Lease&& other) noexcept : owner_(other.owner_), listener_(other.listener_) {
      other.owner_ = nullptr;
    }
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (owner_ != nullptr) owner_->give_back(listener_);
    }
    Listener& operator*() const noexcept { return *listener_; }
    Listener* operator->() const noexcept { return listener_; }

   private:
    Listeners* owner_;
    Listener* listener_;
  };

  /// Throws std::invalid_argument if there is one for the same path.
  void add(Listener* listener);
  /// No new leases from here on.
  void remove(Listener* listener);
  /// Whether all leases were given back within `time`.
  bool wait_until_unused(Listener* listener, std::chrono::steady_clock::duration time);

  bool empty() const;
  /// The one whose path is the longest that `path` lies in, by whole segments.
  std::optional<Lease> find(const std::string& path);

 private:
  void give_back(Listener* listener);

  mutable std::mutex mutex_;
  std::condition_variable given_back_;
  std::map<std::string, Listener*> by_path_;  // without a slash at the end
  std::map<Listener*, int> leases_;
};

}  // namespace letterbox::gateway::transport
