// The digest of a file: its small part, for a parser that reads it whole.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "dicom/part10/walker.h"

namespace letterbox::dicom {

inline constexpr std::size_t kMaxDigest = std::size_t{512} * 1024;
/// Longer values, and longer sequences of the top level (as they are in the digest), are left out.
inline constexpr std::size_t kMaxDigestValue = std::size_t{4} * 1024;
inline constexpr std::size_t kMaxDigestSequence = std::size_t{256} * 1024;
/// Elements, those in items too. DCMTK puts each into a list that it searches from its end.
inline constexpr std::size_t kMaxDigestElements = 8192;
/// As many names of what is left out, the one that says that there are more among them.
inline constexpr std::size_t kMaxLeftOut = 512;

/// Writes what a Walker meets into a Part 10 file, as far as it is small. What the file is like,
/// and what is left out, is said at Scanner::digest. For one thread at a time.
class DigestWriter final : public Visitor {
 public:
  DigestWriter() = default;
  /// Wipes the digest.
  ~DigestWriter() override;
  DigestWriter(const DigestWriter&) = delete;
  DigestWriter& operator=(const DigestWriter&) = delete;

  /// Before anything else: how the data set is written.
  void begin(const Encoding& encoding);

  bool element(const Element& element) override;
  void value(ByteView piece) override;
  void end_value() override {}
  void sequence(const Element& element, const Encoding& items) override;
  void item() override;
  void end_item() override;
  void end_sequence() override;
  void fragments(const Element& element) override;

  ByteView bytes() const { return bytes_; }
  std::vector<std::string> left_out() const;

 private:
  void enter(const Element& element);
  bool room_for(std::size_t size, std::size_t kept_free);
  void move_to_larger_place();
  /// False: there was no room for it and its value.
  bool write_header(const Element& element, std::size_t value_size);
  void write_mark(Tag tag, std::uint32_t length);
  void put16(std::uint32_t value, bool big_endian);
  void put32(std::uint32_t value, bool big_endian);
  void name();
  void drop();

  Bytes bytes_;
  std::size_t elements_ = 0;
  Tag present_ = 0;                          ///< the element of the top level that is being met
  std::size_t present_at_ = 0;               ///< where it begins in the digest
  std::size_t before_present_ = 0;           ///< elements in the digest
  bool dropped_ = false;                     ///< it is left out as a whole
  std::array<Encoding, kMaxNesting> items_;  ///< of the open sequences
  std::size_t nesting_ = 0;
  std::vector<Tag> left_out_;
  bool more_left_out_ = false;
};

}  // namespace letterbox::dicom
