#include "gateway/transport/budget.h"

namespace letterbox::gateway::transport {

Budget::Lease& Budget::Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    give_back();
    budget_ = std::exchange(other.budget_, nullptr);
    peer_ = std::move(other.peer_);
    part_ = other.part_;
  }
  return *this;
}

void Budget::Lease::give_back() noexcept {
  if (budget_ == nullptr) return;
  const std::lock_guard lock(budget_->mutex_);
  budget_->in_use_ -= part_;
  const auto mine = budget_->by_peer_.find(peer_);
  mine->second -= part_;
  if (mine->second == 0) budget_->by_peer_.erase(mine);
}

std::optional<Budget::Lease> Budget::take(const std::string& peer, std::size_t part) {
  if (part == 0) return Lease();
  const std::lock_guard lock(mutex_);
  if (part > amount_ - in_use_) return std::nullopt;
  const auto mine = by_peer_.try_emplace(peer, 0).first;
  if (part > share_ - mine->second) {
    if (mine->second == 0) by_peer_.erase(mine);
    return std::nullopt;
  }
  in_use_ += part;
  mine->second += part;
  return Lease(*this, peer, part);
}

std::size_t Budget::in_use() const {
  const std::lock_guard lock(mutex_);
  return in_use_;
}

}  // namespace letterbox::gateway::transport
