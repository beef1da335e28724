#include "gateway/transport/socket_bio.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstdint>

namespace letterbox::gateway::transport {

namespace {

int socket_of(BIO* bio) noexcept {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

// One that OpenSSL doesn't use (bio.h), nor clears.
constexpr int kMoreFollows = 0x10000;

bool may_try_again() noexcept {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

int send_bytes(BIO* bio, const char* data, std::size_t size, std::size_t* sent) {
  BIO_clear_retry_flags(bio);
  const int more = BIO_test_flags(bio, kMoreFollows) != 0 ? MSG_MORE : 0;
  const ssize_t result = ::send(socket_of(bio), data, size, MSG_NOSIGNAL | more);
  if (result < 0) {
    if (may_try_again()) BIO_set_retry_write(bio);
    return 0;
  }
  *sent = static_cast<std::size_t>(result);
  return 1;
}

int receive_bytes(BIO* bio, char* data, std::size_t size, std::size_t* received) {
  BIO_clear_retry_flags(bio);
  const ssize_t result = ::recv(socket_of(bio), data, size, 0);
  if (result <= 0) {
    if (result == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    if (result < 0 && may_try_again()) BIO_set_retry_read(bio);
    return 0;
  }
  *received = static_cast<std::size_t>(result);
  return 1;
}

long control(BIO* bio, int command, long /*number*/, void* /*pointer*/) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_EOF:
      return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    default:
      return 0;
  }
}

// Lives as long as the process.
BIO_METHOD* method() {
  static BIO_METHOD* const made = [] {
    BIO_METHOD* fresh =
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "letterbox socket");
    if (fresh != nullptr) {
      BIO_meth_set_write_ex(fresh, send_bytes);
      BIO_meth_set_read_ex(fresh, receive_bytes);
      BIO_meth_set_ctrl(fresh, control);
    }
    return fresh;
  }();
  return made;
}

}  // namespace

void more_follows(BIO* bio, bool more) noexcept {
  if (more) {
    BIO_set_flags(bio, kMoreFollows);
  } else {
    BIO_clear_flags(bio, kMoreFollows);
  }
}

BIO* new_socket_bio(int socket) {
  BIO* const bio = method() == nullptr ? nullptr : BIO_new(method());
  if (bio == nullptr) return nullptr;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): a BIO keeps nothing but a pointer
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace letterbox::gateway::transport
