// What DICOM must say about a JPEG or about plain pixels (PS3.3 section C.7.6.3, PS3.5
// section 8.2).
#pragma once

#include <cstdint>
#include <string_view>

#include "dicom/photo/jpeg.h"
#include "dicom/wrap/data_set.h"

namespace letterbox::dicom {

/// The transfer syntax that a JPEG is in as it stands. Throws Error kUnsupportedTransferSyntax if
/// none that is in use: only baseline and extended with Huffman coding and 8 bits are.
std::string_view transfer_syntax_of(const JpegFrame& frame);

/// Puts the Image Pixel module's attributes, and those about lossy compression, in place of what
/// is there. Throws Error kUnsupportedTransferSyntax for CMYK and other colours that DICOM doesn't
/// know.
void describe_jpeg(DataSet& data_set, const JpegFrame& frame, JpegColour colour);

/// The Image Pixel module's attributes for `samples` (1: grey, 3: RGB by pixel) of 8 bits.
void describe_pixels(DataSet& data_set, std::uint16_t width, std::uint16_t height, int samples);

/// Pixel Data whose value comes in fragments (PS3.5 section A.4): its head with an empty offset
/// table, a fragment, and what closes it.
Bytes fragments_head();
/// Pads to an even length.
void append_fragment(Bytes& out, ByteView content);
Bytes fragments_end();

}  // namespace letterbox::dicom
