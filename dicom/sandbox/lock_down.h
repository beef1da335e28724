// What a process that reads hostile bytes may still do: compute.
#pragma once

#include <chrono>
#include <cstddef>

namespace letterbox::dicom {

struct ChildLimits {
  /// Bytes that it may take beyond what it has. Not kept where a sanitizer needs terabytes of
  /// address space.
  std::size_t memory = std::size_t{256} << 20;
  /// Seconds of computing in its life.
  std::chrono::seconds cpu{4};
};

/// For good: from here on this process can read and write the descriptor `wire`, get memory within
/// the limit, and end. Opening a file fails; any other system call ends it, and so do the limits.
/// It leaves no core, nobody looks into it, and it can't become more by exec. To be called while
/// there is one thread. Throws Error kConfiguration.
void lock_down(int wire, const ChildLimits& limits);

}  // namespace letterbox::dicom
