#include "dicom/part10/inflater.h"

#define ZLIB_CONST
#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "base/error.h"
#include "base/secret.h"

namespace letterbox::dicom {

namespace {

constexpr std::size_t kPiece = std::size_t{64} * 1024;
// The negative of the window's bits: a stream without zlib's own header.
constexpr int kRawDeflate = -15;

// zlib's window is a part of somebody's data set: its memory is wiped when it is given back. The
// size stands before each block, in a place that keeps the block aligned for anything.
constexpr std::size_t kSizePlace = alignof(std::max_align_t);

voidpf allocate(voidpf, uInt items, uInt size) {
  const std::size_t bytes = std::size_t{items} * size + kSizePlace;
  auto* block = static_cast<Byte*>(std::malloc(bytes));
  if (block == nullptr) return nullptr;
  ::new (block) std::size_t(bytes);
  return block + kSizePlace;
}

void release(voidpf, voidpf memory) {
  auto* block = static_cast<Byte*>(memory) - kSizePlace;
  wipe({block, *reinterpret_cast<const std::size_t*>(block)});
  std::free(block);
}

[[noreturn]] void refuse(const char* rule) {
  throw Error(ErrorCode::kNotWhatItClaims, rule);
}

}  // namespace

Inflater::Inflater() : stream_(std::make_unique<z_stream>()), out_(kPiece) {
  stream_->zalloc = allocate;
  stream_->zfree = release;
  if (inflateInit2(stream_.get(), kRawDeflate) != Z_OK) throw std::bad_alloc();
}

Inflater::~Inflater() {
  inflateEnd(stream_.get());
  wipe(out_);
}

ByteView Inflater::next(ByteView& piece) {
  for (;;) {
    // What came before an error comes out first, so that what is said of a file doesn't depend on
    // the pieces in which it came.
    if (broken_) refuse("the data set isn't deflated");
    if (ended_) {
      after_ += piece.size();
      if (after_ > kMaxAfterDeflated) refuse("bytes follow the deflated data set");
      piece = {};
      return {};
    }
    const std::size_t given = inflate_some(piece);
    if (given > 0) return ByteView(out_).first(given);
    if (!broken_ && piece.empty()) return {};
  }
}

// What zlib still holds back of earlier input comes out also if there is nothing new.
std::size_t Inflater::inflate_some(ByteView& piece) {
  const ByteView input = piece.first(std::min(piece.size(), kPiece));
  stream_->next_in = input.data();
  stream_->avail_in = static_cast<uInt>(input.size());
  stream_->next_out = out_.data();
  stream_->avail_out = static_cast<uInt>(out_.size());
  const int result = inflate(stream_.get(), Z_NO_FLUSH);
  if (result == Z_MEM_ERROR) throw std::bad_alloc();
  broken_ = result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR;
  ended_ = result == Z_STREAM_END;
  const std::size_t taken = input.size() - stream_->avail_in;
  const std::size_t given = out_.size() - stream_->avail_out;
  piece = piece.subspan(taken);
  taken_ += taken;
  given_ += given;
  if (given_ > kInflatedAnyway + kInflatedRatio * taken_) {
    refuse("the data set inflates out of all proportion");
  }
  return given;
}

void Inflater::finish() const {
  if (!ended_) refuse("the deflated data set isn't complete");
}

}  // namespace letterbox::dicom
