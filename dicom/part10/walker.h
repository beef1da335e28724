// Walks a data set's elements as its bytes stream by (PS3.5 section 7).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "dicom/part10/element.h"

namespace letterbox::dicom {

/// Sequences within sequences. The deepest of the standard's own, structured reports, rarely pass
/// ten; readers recurse, and some have died of a few thousand.
inline constexpr std::size_t kMaxNesting = 64;

/// Is told what a Walker meets, in the order of the bytes. What it throws passes through.
class Visitor {
 public:
  virtual ~Visitor() = default;

  /// An element with a value of its own. True: its value is wanted, in pieces, and end_value()
  /// after the last (an empty value has no piece).
  virtual bool element(const Element& element) = 0;
  virtual void value(ByteView piece) = 0;
  virtual void end_value() = 0;

  /// An element whose value is items: each with a data set of its own, in `items`.
  virtual void sequence(const Element& element, const Encoding& items) = 0;
  virtual void item() = 0;
  virtual void end_item() = 0;
  virtual void end_sequence() = 0;

  /// An element whose value is fragments (PS3.5 annex A.4). Their bytes aren't handed on.
  virtual void fragments(const Element& element) = 0;
};

/// Takes a data set in pieces of any size, checks that its lengths, items, delimiters and fragments
/// fit into each other to the last byte, and says what it met. Iterative, in constant memory; looks
/// at the beginnings of elements alone, so a value costs nothing. What it takes and what it refuses
/// is in docs/dicom-files.md. For one thread at a time.
class Walker {
 public:
  /// `visitor` must outlive this.
  Walker(const Encoding& encoding, Visitor& visitor);

  /// Throws Error kNotWhatItClaims: which rule, and at which byte of the data set.
  void take(ByteView piece);
  /// Throws Error kNotWhatItClaims if the data set isn't complete.
  void finish() const;

 private:
  enum class Within : std::uint8_t { kDataSet, kSequence, kFragments };
  /// What is open: the data set or an item, a sequence, a run of fragments.
  struct Frame {
    Within within;
    Encoding encoding;
    std::uint64_t end;    ///< where its length ends it; kNoEnd: a delimiter does, or the file's end
    std::uint64_t limit;  ///< where it ends at the latest, by those around it
    Tag last = 0;         ///< the element before
    Tag highest = 0;      ///< of all before
  };
  static constexpr std::uint64_t kNoEnd = UINT64_MAX;
  static constexpr std::size_t kMaxHeader = 12;

  Frame& top() { return frames_[open_ - 1]; }
  const Frame& top() const { return frames_[open_ - 1]; }
  /// Sequences around what comes next.
  std::size_t nesting() const { return (open_ - 1) / 2; }

  ByteView take_value(ByteView piece);
  ByteView take_header(ByteView piece);
  /// How long the header is that begins with these eight bytes.
  std::size_t header_size(const Byte* begun) const;
  void header(const Byte* bytes, std::size_t size);
  void item(std::uint32_t length);
  void delimiter(Within what, std::uint32_t length);
  void data_element(Tag tag, const Byte* bytes);
  void open(Within within, const Encoding& encoding, std::uint32_t length);
  void close();
  void begin_value(std::uint32_t length, bool wanted);
  [[noreturn]] void refuse(const char* rule) const;

  Visitor& visitor_;
  std::array<Frame, 2 * kMaxNesting + 2> frames_;
  std::size_t open_ = 1;      ///< frames
  std::uint64_t offset_ = 0;  ///< of the next byte; while a header is judged, of the one after it
  std::uint64_t value_left_ = 0;  ///< bytes of the present value or fragment that are to come
  bool wanted_ = false;           ///< that value, by the visitor
  std::array<Byte, kMaxHeader> header_{};  ///< the beginning of a header that a piece cut
  std::size_t header_has_ = 0;
};

}  // namespace letterbox::dicom
