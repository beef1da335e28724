// Looks at a DICOM file (PS3.10) as it streams by, and cuts a digest of it for a parser that reads
// a file whole.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "dicom/inspector.h"
#include "dicom/part10/digest.h"
#include "dicom/part10/file_meta.h"
#include "dicom/part10/identifiers.h"
#include "dicom/part10/inflater.h"
#include "dicom/part10/walker.h"

namespace letterbox::dicom {

/// Takes a file in pieces of any size and checks its form to the last byte: preamble, file meta
/// group, every element's length and nesting, the UIDs that name the instance, and whether an image
/// has its pixels. Pixels aren't decoded. Memory is constant, under 1 MiB whatever the file; time
/// is some instructions an element and nothing a byte, unless the data set is deflated. What is
/// taken and what is refused is in docs/dicom-files.md. For one thread at a time.
class Scanner final : private Visitor {
 public:
  Scanner() = default;
  Scanner(const Scanner&) = delete;
  Scanner& operator=(const Scanner&) = delete;

  /// Throws Error kNotWhatItClaims (the message says which rule, and where) or
  /// kUnsupportedTransferSyntax. After a throw there is nothing more to take, and no digest.
  void take(ByteView piece);
  /// That was all. Throws Error kEmptyBody, or kNotWhatItClaims if the file isn't complete.
  void finish();

  /// What was met so far, also after a throw. Members that weren't met, or that are no UIDs, are
  /// empty. After kUnsupportedTransferSyntax: SOP class and instance as the file meta group has
  /// them.
  const InstanceUids& known() const { return identifiers_.known(); }

  /// After finish(): a Part 10 file of at most kMaxDigest bytes and kMaxDigestElements elements
  /// with the small part of this one's data set, nested at most kMaxNesting deep. Left out are
  /// values over kMaxDigestValue, top-level sequences over kMaxDigestSequence, pixels and what else
  /// is bulk by its nature, elements of the top level that aren't in ascending order or hold one
  /// that isn't, what didn't fit any more; and, without being named, group lengths and trailing
  /// padding. What names the instance, and the top level's character set, may be out of order.
  /// Sequences and items are written with undefined length, VRs that PS3.5 doesn't know as UN,
  /// those of the UIDs that name the instance as UI; a deflated data set is inflated. Valid while
  /// this lives, and wiped with it.
  ByteView digest() const { return digest_.bytes(); }
  /// After finish(): the top-level elements that are in the file and not, or not whole, in the
  /// digest, in the order of the file: "7FE00010". Of more than kMaxLeftOut the last is "FFFFFFFF",
  /// which is no element.
  std::vector<std::string> left_out() const { return digest_.left_out(); }

 private:
  void begin_data_set();
  void take_data_set(ByteView piece);

  bool element(const Element& element) override;
  void value(ByteView piece) override;
  void end_value() override;
  void sequence(const Element& element, const Encoding& items) override;
  void item() override { digest_.item(); }
  void end_item() override { digest_.end_item(); }
  void end_sequence() override { digest_.end_sequence(); }
  void fragments(const Element& element) override;

  bool begun_ = false;
  FileMeta meta_;
  std::optional<Inflater> inflater_;
  std::optional<Walker> walker_;
  Identifiers identifiers_;
  DigestWriter digest_;
  bool identifies_ = false;  ///< the present value
  bool digested_ = false;    ///< likewise
  bool has_pixels_ = false;
};

}  // namespace letterbox::dicom
