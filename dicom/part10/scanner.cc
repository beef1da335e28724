#include "dicom/part10/scanner.h"

#include "base/error.h"
#include "dicom/part10/encoding.h"
#include "dicom/part10/images.h"

namespace letterbox::dicom {

namespace {

// Pixels of the top level; an icon's, which are in a sequence, don't count.
bool are_pixels(const Element& element) {
  switch (element.tag) {
    case 0x7fe00008:  // Float Pixel Data
    case 0x7fe00009:  // Double Float Pixel Data
    case 0x7fe00010:  // Pixel Data
    case 0x00287fe0:  // Pixel Data Provider URL: by JPIP's transfer syntaxes they lie elsewhere
      return element.depth == 0 && element.length > 0;
    default:
      return false;
  }
}

}  // namespace

void Scanner::take(ByteView piece) {
  begun_ = begun_ || !piece.empty();
  if (!walker_) {
    piece = meta_.take(piece);
    if (!meta_.complete()) return;
    begin_data_set();
    take_data_set(meta_.ahead());
  }
  take_data_set(piece);
}

void Scanner::begin_data_set() {
  const auto syntax = find_transfer_syntax(meta_.transfer_syntax());
  if (!syntax) {
    // Nobody can read the data set, so this is all that tells the sender which one it was.
    identifiers_.known().sop_class = meta_.sop_class();
    identifiers_.known().sop_instance = meta_.sop_instance();
    throw Error(ErrorCode::kUnsupportedTransferSyntax,
                "the transfer syntax isn't one of the standard's for files");
  }
  identifiers_.known().transfer_syntax = meta_.transfer_syntax();
  digest_.begin(syntax->encoding);
  if (syntax->deflated) inflater_.emplace();
  walker_.emplace(syntax->encoding, static_cast<Visitor&>(*this));
}

void Scanner::take_data_set(ByteView piece) {
  if (!inflater_) return walker_->take(piece);
  for (ByteView some = inflater_->next(piece); !some.empty(); some = inflater_->next(piece)) {
    walker_->take(some);
  }
}

void Scanner::finish() {
  if (!begun_) throw Error(ErrorCode::kEmptyBody, "the body is empty");
  if (!walker_) {
    throw Error(ErrorCode::kNotWhatItClaims, "the file ends before its data set begins");
  }
  if (inflater_) inflater_->finish();
  walker_->finish();
  identifiers_.finish();
  if (is_image(known().sop_class) && !has_pixels_) {
    throw Error(ErrorCode::kNotWhatItClaims, "an image has no pixels");
  }
}

bool Scanner::element(const Element& element) {
  has_pixels_ = has_pixels_ || are_pixels(element);
  identifies_ = element.depth == 0 && identifiers_.element(element);
  digested_ = digest_.element(element);
  return identifies_ || digested_;
}

void Scanner::value(ByteView piece) {
  if (identifies_) identifiers_.value(piece);
  if (digested_) digest_.value(piece);
}

void Scanner::end_value() {
  if (identifies_) identifiers_.end_value();
}

void Scanner::sequence(const Element& element, const Encoding& items) {
  if (element.depth == 0) identifiers_.element(element);
  digest_.sequence(element, items);
}

void Scanner::fragments(const Element& element) {
  has_pixels_ = has_pixels_ || are_pixels(element);
  if (element.depth == 0) identifiers_.element(element);
  digest_.fragments(element);
}

}  // namespace letterbox::dicom
