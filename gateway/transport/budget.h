// So much of something for everybody together, and no more.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace letterbox::gateway::transport {

/// Gives out parts of a fixed amount, and to each peer at most a share of it, so that whoever asks
/// for everything leaves something to others. Thread-safe. It outlives its leases.
class Budget {
 public:
  explicit Budget(std::size_t amount) : Budget(amount, amount) {}
  Budget(std::size_t amount, std::size_t share) : amount_(amount), share_(share) {}

  /// A part that somebody has; it goes back when this dies.
  class Lease {
   public:
    Lease() = default;
    Lease(Lease&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)),
          peer_(std::move(other.peer_)),
          part_(other.part_) {}
    Lease& operator=(Lease&& other) noexcept;
    ~Lease() { give_back(); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

   private:
    friend class Budget;
    Lease(Budget& budget, std::string peer, std::size_t part)
        : budget_(&budget), peer_(std::move(peer)), part_(part) {}
    void give_back() noexcept;

    Budget* budget_ = nullptr;
    std::string peer_;
    std::size_t part_ = 0;
  };

  /// Nothing if that isn't there, or is more than `peer` may have. Doesn't wait.
  std::optional<Lease> take(const std::string& peer, std::size_t part);
  std::size_t in_use() const;

 private:
  const std::size_t amount_;
  const std::size_t share_;
  mutable std::mutex mutex_;
  std::size_t in_use_ = 0;
  std::unordered_map<std::string, std::size_t> by_peer_;  // those that have something
};

}  // namespace letterbox::gateway::transport
