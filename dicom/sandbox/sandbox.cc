#include "dicom/sandbox/sandbox.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "base/error.h"
#include "dicom/sandbox/zygote.h"

namespace letterbox::dicom {

Sandbox::Sandbox(const SandboxedWork& work, const SandboxLimits& limits)
    : limits_(limits), children_(limits.children) {
  auto [ours, theirs] = make_wire();
  zygote_ = fork();
  if (zygote_ < 0) throw Error(ErrorCode::kUnavailable, "no process can be made");
  if (zygote_ == 0) {
    ours.reset();
    be_zygote(std::move(theirs), work, limits);
  }
  control_ = std::move(ours);
  theirs.reset();
  try {
    for (std::size_t number = 0; number < limits.children; ++number) {
      children_[number] = fresh(number);
      idle_.push_back(number);
    }
  } catch (const Error&) {
    control_.reset();
    waitpid(zygote_, nullptr, 0);
    throw Error(ErrorCode::kConfiguration,
                "no process can be locked down here: seccomp, /proc and /dev/null are needed");
  }
}

Sandbox::~Sandbox() {
  control_.reset();
  while (zygote_ > 0 && waitpid(zygote_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

bool Sandbox::running() {
  const std::lock_guard lock(zygote_lock_);
  if (zygote_ > 0 && waitpid(zygote_, nullptr, WNOHANG) == zygote_) zygote_ = -1;
  return zygote_ > 0;
}

Sandbox::Question Sandbox::ask(ByteView request) {
  if (request.size() > limits_.max_request) {
    throw Error(ErrorCode::kInternal, "a request to the sandbox is too long");
  }
  Question question(*this, take());
  Child& child = children_[question.number_];
  if (!usable(child)) child = fresh(question.number_);
  child.requests += 1;
  question.begun_ = std::chrono::steady_clock::now();
  question.sent_ = send_message(child.wire.get(), request, question.begun_ + limits_.deadline);
  return question;
}

Sandbox::Question::Question(Question&& other) noexcept
    : sandbox_(std::exchange(other.sandbox_, nullptr)),
      number_(other.number_),
      begun_(other.begun_),
      sent_(other.sent_),
      answered_(other.answered_) {}

Sandbox::Question::~Question() {
  if (sandbox_ == nullptr) return;
  if (!answered_) sandbox_->children_[number_].wire.reset();
  sandbox_->give_back(number_);
}

Bytes Sandbox::Question::answer() {
  Child& child = sandbox_->children_[number_];
  const SandboxLimits& limits = sandbox_->limits_;
  std::optional<Bytes> answer;
  if (sent_)
    answer = receive_message(child.wire.get(), limits.max_answer, begun_ + limits.deadline);
  child.busy += std::chrono::steady_clock::now() - begun_;
  if (!answer) {
    // At once and not when the next request needs one: the old child may be at it still.
    child.wire.reset();
    child = sandbox_->fresh(number_);
    answered_ = true;  // nothing more will come from this one
    throw Error(ErrorCode::kNotWhatItClaims,
                "a process that read the file crashed, hung or took too much memory");
  }
  answered_ = true;
  if (answer->empty()) {
    throw Error(ErrorCode::kNotWhatItClaims, "the file was refused by the process that read it");
  }
  return std::move(*answer);
}

std::size_t Sandbox::take() {
  std::unique_lock lock(idle_lock_);
  if (!idle_changed_.wait_for(lock, limits_.patience, [&] { return !idle_.empty(); })) {
    throw Error(ErrorCode::kUnavailable, "no process is free to read the file");
  }
  const std::size_t number = idle_.back();
  idle_.pop_back();
  return number;
}

void Sandbox::give_back(std::size_t number) {
  {
    const std::lock_guard lock(idle_lock_);
    idle_.push_back(number);
  }
  idle_changed_.notify_one();
}

bool Sandbox::usable(const Child& child) const {
  if (!child.wire || child.requests >= limits_.requests_per_child) return false;
  // It must not run out of computing time over a request that is innocent.
  if (child.busy > limits_.child.cpu / 2) return false;
  // Something to read, where nothing was asked: it has ended, or isn't ours any more.
  pollfd state{child.wire.get(), POLLIN, 0};
  return poll(&state, 1, 0) == 0;
}

Sandbox::Child Sandbox::fresh(std::size_t number) {
  Descriptor wire;
  {
    const std::lock_guard lock(zygote_lock_);
    auto byte = static_cast<std::uint8_t>(number);
    if (!send_descriptor(control_.get(), byte, {}) ||
        !receive_descriptor(control_.get(), byte, wire)) {
      throw Error(ErrorCode::kUnavailable, "the process that makes others has ended");
    }
  }
  const Deadline deadline = std::chrono::steady_clock::now() + limits_.deadline;
  if (!wire || !receive_message(wire.get(), 0, deadline)) {
    throw Error(ErrorCode::kUnavailable, "no process can be made to read the file");
  }
  return {.wire = std::move(wire)};
}

}  // namespace letterbox::dicom
