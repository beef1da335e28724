// How a process talks to a child that it doesn't trust: messages with a length before them, over a
// pair of sockets, and an end of such a pair sent to another process.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/bytes.h"

namespace letterbox::dicom {

/// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { reset(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }

  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }
  void reset() noexcept;

 private:
  int fd_ = -1;
};

/// Two connected stream sockets, closed on exec. Throws Error kUnavailable.
std::pair<Descriptor, Descriptor> make_wire();

using Deadline = std::chrono::steady_clock::time_point;

/// For the side that must not be held up. False: the peer is gone, or `deadline` has passed.
bool send_message(int wire, ByteView message, Deadline deadline);
/// Nothing: the same, or what came is longer than `limit`.
std::optional<Bytes> receive_message(int wire, std::size_t limit, Deadline deadline);

/// For the child: by read and write alone, waiting as long as it takes. False or nothing: the peer
/// is gone.
bool write_message(int wire, ByteView message);
std::optional<Bytes> read_message(int wire, std::size_t limit);

/// One byte, and with it a descriptor. False: the peer is gone. What is received is closed on exec.
bool send_descriptor(int wire, std::uint8_t byte, const Descriptor& descriptor);
bool receive_descriptor(int wire, std::uint8_t& byte, Descriptor& descriptor);

}  // namespace letterbox::dicom
