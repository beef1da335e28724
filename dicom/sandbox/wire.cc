#include "dicom/sandbox/wire.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace letterbox::dicom {

namespace {

// Big-endian.
using Length = std::array<Byte, 4>;

Length to_length(std::size_t size) {
  return {static_cast<Byte>(size >> 24), static_cast<Byte>(size >> 16),
          static_cast<Byte>(size >> 8), static_cast<Byte>(size)};
}

std::size_t from_length(const Length& length) {
  std::size_t size = 0;
  for (const Byte byte : length) size = size << 8 | byte;
  return size;
}

// False once the deadline has passed. A peer that left counts as ready: the next call says so.
bool wait_until_ready(int wire, short events, Deadline deadline) {
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd waiting{wire, events, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

bool receive_all(int wire, std::span<Byte> into, Deadline deadline) {
  while (!into.empty()) {
    const ssize_t got = recv(wire, into.data(), into.size(), MSG_DONTWAIT);
    if (got > 0) {
      into = into.subspan(static_cast<std::size_t>(got));
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR) ||
               !wait_until_ready(wire, POLLIN, deadline)) {
      return false;
    }
  }
  return true;
}

bool read_all(int wire, std::span<Byte> into) {
  while (!into.empty()) {
    const ssize_t got = read(wire, into.data(), into.size());
    if (got <= 0) return false;
    into = into.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

bool write_all(int wire, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(wire, bytes.data(), bytes.size());
    if (written <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

void Descriptor::reset() noexcept {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

std::pair<Descriptor, Descriptor> make_wire() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw Error(ErrorCode::kUnavailable, "no descriptors left for a child process");
  }
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

bool send_message(int wire, ByteView message, Deadline deadline) {
  // Both in one call, so that the child wakes up once.
  const Length length = to_length(message.size());
  std::array<iovec, 2> parts = {iovec{const_cast<Byte*>(length.data()), length.size()},
                                iovec{const_cast<Byte*>(message.data()), message.size()}};
  msghdr header{};
  header.msg_iov = parts.data();
  header.msg_iovlen = parts.size();
  while (parts[0].iov_len + parts[1].iov_len > 0) {
    const ssize_t sent = sendmsg(wire, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
      if ((errno != EAGAIN && errno != EINTR) || !wait_until_ready(wire, POLLOUT, deadline)) {
        return false;
      }
      continue;
    }
    auto rest = static_cast<std::size_t>(sent);
    for (iovec& part : parts) {
      const std::size_t of_this = std::min(rest, part.iov_len);
      part.iov_base = static_cast<Byte*>(part.iov_base) + of_this;
      part.iov_len -= of_this;
      rest -= of_this;
    }
  }
  return true;
}

std::optional<Bytes> receive_message(int wire, std::size_t limit, Deadline deadline) {
  Length length{};
  if (!receive_all(wire, length, deadline)) return std::nullopt;
  if (from_length(length) > limit) return std::nullopt;
  Bytes message(from_length(length));
  if (!receive_all(wire, message, deadline)) return std::nullopt;
  return message;
}

bool write_message(int wire, ByteView message) {
  return write_all(wire, to_length(message.size())) && write_all(wire, message);
}

std::optional<Bytes> read_message(int wire, std::size_t limit) {
  Length length{};
  if (!read_all(wire, length) || from_length(length) > limit) return std::nullopt;
  Bytes message(from_length(length));
  if (!read_all(wire, message)) return std::nullopt;
  return message;
}

bool send_descriptor(int wire, std::uint8_t byte, const Descriptor& descriptor) {
  iovec part{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> space{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (descriptor) {
    header.msg_control = space.data();
    header.msg_controllen = space.size();
    cmsghdr* control = CMSG_FIRSTHDR(&header);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = descriptor.get();
    std::memcpy(CMSG_DATA(control), &fd, sizeof fd);
  }
  return sendmsg(wire, &header, MSG_NOSIGNAL) == 1;
}

bool receive_descriptor(int wire, std::uint8_t& byte, Descriptor& descriptor) {
  iovec part{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> space{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = space.data();
  header.msg_controllen = space.size();
  ssize_t got = 0;
  do {
    got = recvmsg(wire, &header, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got != 1) return false;
  const cmsghdr* control = CMSG_FIRSTHDR(&header);
  if (control != nullptr && control->cmsg_type == SCM_RIGHTS) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(control), sizeof fd);
    descriptor = Descriptor(fd);
  }
  return true;
}

}  // namespace letterbox::dicom
