#include "dicom/wrap/composed_instance.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/secret.h"
#include "dicom/wrap/picture.h"

namespace letterbox::dicom {

namespace {

// Most photos are one fragment or a few.
constexpr std::size_t kFragment = std::size_t{1} * 1024 * 1024;
static_assert(kFragment % 2 == 0);
constexpr std::size_t kItemRoom = 16;  // its head and the end of the sequence

// All that a picture's own bytes say of it has a tag in here.
constexpr std::uint32_t kImageGroup = 0x00280000;
constexpr std::uint32_t kImageGroupEnd = 0x0028ffff;

}  // namespace

ComposedInstance::ComposedInstance(InstanceMetadata metadata, Source& jpeg)
    : metadata_(std::move(metadata)), photo_(jpeg) {}

ComposedInstance::~ComposedInstance() {
  for (Bytes* photo : {&piece_, &waiting_}) {
    photo->resize(photo->capacity());  // what was longer before is still there
    wipe(*photo);
  }
}

ByteView ComposedInstance::next() {
  piece_.clear();
  switch (at_) {
    case At::kHead:
      put_head();
      break;
    case At::kFragments:
      put_fragment();
      break;
    case At::kEnd:
      break;
  }
  return piece_;
}

// What stands before Pixel Data is only known once the JPEG has come to its picture.
void ComposedInstance::put_head() {
  // A vector that grows leaves what it held behind, unwiped.
  piece_.reserve(kFragment + kItemRoom);
  waiting_.reserve(2 * kFragment);
  while (!photo_.in_picture()) {
    const ByteView there = photo_.next();
    waiting_.insert(waiting_.end(), there.begin(), there.end());
    if (waiting_.size() > kFragment)
      throw Error(ErrorCode::kTooLarge, "over 1 MiB of a JPEG before its picture");
  }
  if (photo_.orientation() != 1)
    throw Error(ErrorCode::kNotWhatItClaims,
                "the photo doesn't lie upright, and DICOM can't say so; turn it before it is sent");
  DataSet& attributes = metadata_.attributes;
  const std::string_view transfer_syntax = transfer_syntax_of(*photo_.frame());
  const DataSet said(attributes.lower_bound(kImageGroup), attributes.upper_bound(kImageGroupEnd));
  describe_jpeg(attributes, *photo_.frame(), photo_.colour());
  // The cleaned photo doesn't say any more when it was taken.
  if (photo_.finding().captured && text_of(attributes, tags::kAcquisitionDateTime).empty()) {
    attributes[tags::kAcquisitionDateTime] = time_element(*photo_.finding().captured);
  }
  coerced_ = std::ranges::any_of(said, [&](const auto& one) {
    const auto& [tag, element] = one;
    const auto now = attributes.find(tag);
    return !element.value.empty() &&
           (now == attributes.end() || now->second.value != element.value);
  });

  for (const Bytes& part :
       {file_head(attributes, transfer_syntax), encoded(attributes), fragments_head()})
    piece_.insert(piece_.end(), part.begin(), part.end());
  attributes.clear();
  at_ = At::kFragments;
}

void ComposedInstance::put_fragment() {
  bool ended = false;
  while (waiting_.size() < kFragment && !ended) {
    const ByteView there = photo_.next();
    waiting_.insert(waiting_.end(), there.begin(), there.end());
    ended = there.empty();
  }
  const std::size_t size = std::min(waiting_.size(), kFragment);
  if (size != 0) append_fragment(piece_, ByteView(waiting_).first(size));
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(size));
  if (ended && waiting_.empty()) {
    const Bytes end = fragments_end();
    piece_.insert(piece_.end(), end.begin(), end.end());
    at_ = At::kEnd;
  }
}

}  // namespace letterbox::dicom
