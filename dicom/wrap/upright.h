// Pictures turned so that they lie upright without anybody being told: without loss where that can
// be done, and decoded where it can't. The only place that decodes.
#pragma once

#include <cstddef>
#include <optional>

#include "base/bytes.h"

namespace letterbox::dicom {

struct Pixels {
  std::size_t width = 0;
  std::size_t height = 0;
  std::size_t samples = 3;  ///< a pixel: 1 grey, 3 RGB; a byte each, line by line
  Bytes bytes = {};
};

/// `jpeg`, of a grey or colour photo with 8 bits, as a JPEG with Huffman coding and one scan for
/// all components whose pixels are the same ones, turned by `orientation` (1 to 8). No application
/// data is taken over. Nothing where blocks at an edge aren't whole and would end up inside, or
/// where the JPEG can't be decoded.
std::optional<Bytes> recoded(ByteView jpeg, int orientation);

/// These throw Error kNotWhatItClaims for what can't be decoded without a warning, kTooLarge over
/// `most_pixels`.
Pixels decoded_jpeg(ByteView jpeg, bool grey, int orientation, std::size_t most_pixels);
/// What a PNG lets through shows white; 16 bits become 8.
Pixels decoded_png(ByteView png, int orientation, std::size_t most_pixels);

}  // namespace letterbox::dicom
