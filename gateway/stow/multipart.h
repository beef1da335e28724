// multipart/related as it streams: RFC 2046 section 5.1, RFC 2387, PS3.18 section 8.6.1.2.
//
// Two readers of one body must see the same parts, so what the grammar doesn't allow is refused
// and never guessed at: what follows a boundary on its line, a bare CR or LF in a part's head, an
// encoding of a part. A boundary counts at the beginning of a line alone.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "gateway/stow/content_type.h"

namespace letterbox::gateway::stow {

/// What a part says of itself. Fields that aren't here (a file name, say) aren't looked at.
struct PartHead {
  ContentType type;
  std::string location;  ///< Content-Location, empty if there is none
};

/// Reads the parts of a body one after the other. Memory: a part's head. For one thread at a time.
class Multipart {
 public:
  static constexpr std::size_t kMaxHeadBytes = std::size_t{8} * 1024;

  /// More than `most_parts` are refused. `body` must outlive this. Throws Error kMalformed unless
  /// `boundary` is one: 1 to 70 characters of RFC 2046 section 5.1.1.
  Multipart(Source& body, std::string_view boundary, std::size_t most_parts);

  /// Goes on to the next part; what is left of the one before is passed over. Nothing once the
  /// final boundary and all behind it have been read, so the body has ended as it should. Throws
  /// Error kMalformed (grammar, a multipart within, no part at all), kTruncatedBody (no final
  /// boundary), kTooLarge (too many parts), kFieldsTooLarge (a head over kMaxHeadBytes),
  /// kUnsupportedMediaType (an encoded part), and what the body throws.
  std::optional<PartHead> next();

  /// The content of the part that next() went on to. It ends with the part, and throws as next().
  Source& content() noexcept { return content_; }

  /// Whether the body itself has failed: what was thrown then is about the whole request, and not
  /// about the part that was being read.
  bool failed() const noexcept { return failed_; }

 private:
  class Content final : public Source {
   public:
    explicit Content(Multipart& parts) : parts_(parts) {}
    ByteView next() override;

   private:
    Multipart& parts_;
  };

  ByteView next_content();
  bool at_end();
  void require_more();
  Byte take();
  bool ends_all();
  PartHead read_head();
  std::string take_line(std::size_t& room);

  Source& body_;
  const std::string delimiter_;  ///< CRLF "--" boundary
  const std::size_t most_parts_;
  std::size_t parts_ = 0;
  ByteView piece_;  ///< what the body gave and nobody has looked at yet

  // How much of a delimiter has been seen right before piece_: it is content only if what follows
  // doesn't complete it. Its first `borrowed_` bytes never are, because they end the line before:
  // a part's head, or the line that one imagines before the body.
  std::size_t matched_ = 2;
  std::size_t borrowed_ = 2;

  bool before_delimiter_ = true;  ///< in a part's content, or in the preamble
  bool ended_ = false;
  bool failed_ = false;
  Content content_{*this};
};

}  // namespace letterbox::gateway::stow
