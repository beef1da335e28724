// A Source by the byte instead of by the piece. Internal to crypto/.
#pragma once

#include <algorithm>

#include "base/bytes.h"

namespace letterbox::crypto {

/// Cuts a Source's pieces to the lengths that its reader wants, with one piece of lookahead.
class Feed {
 public:
  explicit Feed(Source& source) : source_(source) {}

  /// Whether nothing is left. Pulls a piece if it must.
  bool at_end() {
    if (piece_.empty() && !ended_) {
      piece_ = source_.next();
      ended_ = piece_.empty();
    }
    return ended_;
  }

  /// The next `count` bytes where they lie, if one piece holds them and something behind them;
  /// otherwise nothing, and nothing is taken. Valid until the next call that pulls.
  ByteView take_in_place(std::size_t count) {
    if (piece_.size() <= count) return {};
    const ByteView taken = piece_.first(count);
    piece_ = piece_.subspan(count);
    return taken;
  }

  /// Appends `count` bytes to `out`, or what is left if that is less.
  void append_to(Bytes& out, std::size_t count) {
    while (count > 0 && !at_end()) {
      const ByteView taken = piece_.first(std::min(count, piece_.size()));
      out.insert(out.end(), taken.begin(), taken.end());
      piece_ = piece_.subspan(taken.size());
      count -= taken.size();
    }
  }

 private:
  Source& source_;
  ByteView piece_;
  bool ended_ = false;
};

}  // namespace letterbox::crypto
