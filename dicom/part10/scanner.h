// Looks at a DICOM file (PS3.10) as it streams by, and cuts a digest of it for a real parser.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "dicom/inspector.h"

namespace letterbox::dicom {

inline constexpr std::size_t kMaxDigest = std::size_t{512} * 1024;
/// Values and top-level sequences that are longer than this, in the digest's bytes, aren't in it.
inline constexpr std::size_t kMaxDigestValue = std::size_t{4} * 1024;
inline constexpr std::size_t kMaxDigestSequence = std::size_t{256} * 1024;
/// As many elements are named as left out.
inline constexpr std::size_t kMaxLeftOut = 1000;

/// Takes a file in pieces of any size and checks its form to the last byte: preamble, file meta
/// group, every element's length and nesting, the UIDs that name the instance, and whether an image
/// has its pixels. Pixels aren't decoded. Memory is constant, under 1 MiB whatever the file; time
/// is a few instructions an element and nothing a byte, but for deflated data sets. What is taken
/// and what is refused is in docs/dicom-files.md. For one thread at a time.
class Scanner {
 public:
  Scanner();
  /// Wipes what it kept of the file.
  ~Scanner();
  Scanner(const Scanner&) = delete;
  Scanner& operator=(const Scanner&) = delete;

  /// Throws Error kNotWhatItClaims (the message says which rule, and where) or
  /// kUnsupportedTransferSyntax. After a throw there is nothing more to take, and no digest.
  void take(ByteView piece);
  /// That was all. Throws Error kEmptyBody, or kNotWhatItClaims if the file isn't complete.
  void finish();

  /// What was met so far, also after a throw. Members that weren't met, or that are no UIDs, are
  /// empty.
  const InstanceUids& known() const;

  /// After finish(): a Part 10 file of at most kMaxDigest bytes with the small part of this one's
  /// data set, nested at most 64 deep. Left out are values over kMaxDigestValue, top-level
  /// sequences over kMaxDigestSequence, pixels and what else is bulk by its nature, what didn't fit
  /// any more; and, unnamed, group lengths and trailing padding. Sequences and items are written
  /// with undefined length, VRs that PS3.5 doesn't know as UN; a deflated data set is inflated.
  /// Valid while this lives.
  ByteView digest() const;
  /// After finish(): the top-level elements that are in the file and not, or not whole, in the
  /// digest, in the order of the file: "7FE00010". Past kMaxLeftOut of them the last is "FFFFFFFF",
  /// which is no element: more were left out than are named.
  std::vector<std::string> left_out() const;

 private:
  class Passage;
  std::unique_ptr<Passage> passage_;
};

}  // namespace letterbox::dicom
