// What a connection reads from and writes to.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <span>

#include "base/bytes.h"
#include "gateway/transport/peer.h"

namespace letterbox::gateway::transport {

/// A stream of bytes to and from one peer. Everything happens on executor(), which is a strand;
/// one read and one write may wait at the same time. Nothing throws but where it says so.
class Wire {
 public:
  virtual ~Wire() = default;
  virtual boost::asio::any_io_executor executor() = 0;

  /// Makes it ready for the first byte. False: it can't be.
  virtual boost::asio::awaitable<bool> open() = 0;
  /// Who is there; after open(). Throws Error kInternal.
  virtual Peer peer() const = 0;
  /// Waits for at least one byte, and takes at most `room`, which isn't empty. 0: the peer has
  /// ended or broken it, or it was cancelled or closed.
  virtual boost::asio::awaitable<std::size_t> read_some(std::span<Byte> room) = 0;
  /// Waits until at least one byte is taken. 0: as above.
  virtual boost::asio::awaitable<std::size_t> write_some(ByteView bytes) = 0;
  /// Tells the peer that nothing more will be written.
  virtual boost::asio::awaitable<void> finish() = 0;
  /// Takes some of what the peer still sends, and forgets it. 0: as above.
  virtual boost::asio::awaitable<std::size_t> discard() = 0;

  /// Ends what waits now, if anything does.
  virtual void cancel() noexcept = 0;
  /// Ends everything.
  virtual void close() noexcept = 0;
};

}  // namespace letterbox::gateway::transport
