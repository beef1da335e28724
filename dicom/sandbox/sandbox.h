// Runs one function on bytes from outside, in processes that can do nothing else.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <vector>

#include "base/bytes.h"
#include "dicom/sandbox/lock_down.h"
#include "dicom/sandbox/wire.h"

namespace letterbox::dicom {

/// What runs in the children.
struct SandboxedWork {
  /// Called once, before anything is locked: loads what `answer` would need files for.
  std::function<void()> prepare;
  /// Called for each request. Throws Error to refuse it; whatever else it does to its process is a
  /// refusal too. Its answer isn't empty.
  std::function<Bytes(ByteView request)> answer;
};

struct SandboxLimits {
  std::size_t children = 2;
  std::size_t max_request = std::size_t{1} << 20;  ///< bytes; more is a bug of the caller
  std::size_t max_answer = std::size_t{128} << 10;
  ChildLimits child;
  /// For one request, by the clock on the wall. An honest one takes milliseconds; whoever takes
  /// longer keeps everybody else's files waiting.
  std::chrono::milliseconds deadline{5'000};
  /// How long a request may wait for a child.
  std::chrono::milliseconds patience{30'000};
  /// After so many requests a child is replaced by a fresh one: whoever took it over sees no more
  /// than that of other people's files.
  std::size_t requests_per_child = 256;
};

/// A zygote (a process forked early, which reads nothing from outside) and its children, which it
/// forks on demand. All of them end with this object, and with this process however it ends.
/// Thread-safe.
class Sandbox {
 public:
  /// Forks. What dicom/inspector.h says of make_inspector is said of this. Throws Error
  /// kConfiguration or kUnavailable.
  Sandbox(const SandboxedWork& work, const SandboxLimits& limits);
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  /// A request that a child is at, so that whoever asked can do something else meanwhile. The child
  /// is for this request alone until then, so that shouldn't take long. Must not outlive the
  /// Sandbox.
  class Question {
   public:
    Question(Question&& other) noexcept;
    /// Without an answer: the child is given up, as what it still says would be another's answer.
    ~Question();
    Question(const Question&) = delete;
    Question& operator=(const Question&) = delete;
    Question& operator=(Question&&) = delete;

    /// Once. Throws Error kNotWhatItClaims if the work refused, or if its process crashed, hung or
    /// ran out of memory over it, and then there is a fresh one; kUnavailable if none can be made.
    Bytes answer();

   private:
    friend class Sandbox;
    Question(Sandbox& sandbox, std::size_t number) : sandbox_(&sandbox), number_(number) {}

    Sandbox* sandbox_;  ///< null: moved from
    std::size_t number_;
    std::chrono::steady_clock::time_point begun_;
    bool sent_ = false;
    bool answered_ = false;
  };

  /// Waits until a child is free and gives it `request`. Throws Error kUnavailable if none gets
  /// free or can be made.
  Question ask(ByteView request);

  /// False for good once the zygote has ended: then no child that is lost can be replaced.
  bool running();

 private:
  // One child. Its number is its place in `children_`.
  struct Child {
    Descriptor wire;  ///< none: it is to be made
    std::size_t requests = 0;
    std::chrono::steady_clock::duration busy{};  ///< no less than it has computed
  };

  std::size_t take();
  void give_back(std::size_t number);
  bool usable(const Child& child) const;
  Child fresh(std::size_t number);

  const SandboxLimits limits_;
  std::mutex zygote_lock_;
  Descriptor control_;
  int zygote_ = -1;
  std::vector<Child> children_;

  std::mutex idle_lock_;
  std::condition_variable idle_changed_;
  std::vector<std::size_t> idle_;
};

}  // namespace letterbox::dicom
