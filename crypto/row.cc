#include "crypto/row.h"

#include <algorithm>
#include <system_error>
#include <utility>

namespace letterbox::crypto {

RowCrew::RowCrew(unsigned size, Work work) : size_(std::max(size, 1U)), work_(std::move(work)) {}

RowCrew::~RowCrew() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  posted_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void RowCrew::post(Row& row) {
  row.claimed_ = 0;
  row.done_ = 0;
  row.failure_ = nullptr;
  {
    const std::lock_guard lock(mutex_);
    rows_.push_back(&row);
  }
  // Most files are smaller than a row, and not worth a thread's start.
  if (threads_.empty() && row.chunks == kChunksPerRow) start_threads();
  posted_.notify_all();
}

void RowCrew::finish(Row& row) {
  std::unique_lock lock(mutex_);
  while (row.done_ < row.chunks)
    if (!work_on_a_chunk(lock, 0)) done_.wait(lock);
  if (row.failure_) std::rethrow_exception(std::exchange(row.failure_, nullptr));
}

void RowCrew::start_threads() {
  try {
    for (unsigned member = 1; member < size_; ++member)
      threads_.emplace_back([this, member] { serve(member); });
  } catch (const std::system_error&) {
    // The system gives no more threads: the work is done by those there are, the caller at least.
  }
}

void RowCrew::serve(unsigned member) {
  std::unique_lock lock(mutex_);
  while (!stopping_)
    if (!work_on_a_chunk(lock, member)) posted_.wait(lock);
}

// Claims the next chunk and works on it with the lock released. False if there is none.
bool RowCrew::work_on_a_chunk(std::unique_lock<std::mutex>& lock, unsigned member) {
  if (rows_.empty()) return false;
  Row& row = *rows_.front();
  const std::size_t chunk = row.claimed_++;
  if (row.claimed_ == row.chunks) rows_.pop_front();
  lock.unlock();
  std::exception_ptr failure;
  try {
    work_(member, row, chunk);
  } catch (...) {
    failure = std::current_exception();
  }
  lock.lock();
  if (failure) row.failure_ = failure;
  if (++row.done_ == row.chunks) done_.notify_one();
  return true;
}

}  // namespace letterbox::crypto
