#include "dicom/wrap/upright.h"

#include <png.h>
#include <turbojpeg.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/error.h"
#include "base/secret.h"

namespace letterbox::dicom {

namespace {

struct Destroy {
  void operator()(void* handle) const noexcept { tjDestroy(handle); }
};
using Turbo = std::unique_ptr<void, Destroy>;

[[noreturn]] void refuse() {
  throw Error(ErrorCode::kNotWhatItClaims, "the picture can't be decoded; it is damaged");
}

std::size_t checked_size(std::size_t width, std::size_t height, std::size_t most_pixels) {
  if (height == 0 || width > most_pixels / height)
    throw Error(ErrorCode::kTooLarge, "a picture of more pixels than can be decoded here");
  return width * height;
}

// EXIF's orientations 2 to 8, each as what must be done to a picture so that it lies upright.
int transform_for(int orientation) {
  static constexpr std::array<int, 9> kTransforms = {
      TJXOP_NONE,      TJXOP_NONE,  TJXOP_HFLIP,      TJXOP_ROT180, TJXOP_VFLIP,
      TJXOP_TRANSPOSE, TJXOP_ROT90, TJXOP_TRANSVERSE, TJXOP_ROT270};
  return kTransforms.at(static_cast<std::size_t>(orientation));
}

// Where the pixel that belongs at (x, y) of the upright picture lies in the stored one.
std::pair<std::size_t, std::size_t> stored_at(int orientation, const Pixels& stored, std::size_t x,
                                              std::size_t y) {
  const std::size_t right = stored.width - 1;
  const std::size_t bottom = stored.height - 1;
  switch (orientation) {
    case 2:
      return {right - x, y};
    case 3:
      return {right - x, bottom - y};
    case 4:
      return {x, bottom - y};
    case 5:
      return {y, x};
    case 6:
      return {y, bottom - x};
    case 7:
      return {right - y, bottom - x};
    case 8:
      return {right - y, x};
    default:
      return {x, y};
  }
}

Pixels turned(Pixels stored, int orientation) {
  if (orientation == 1) return stored;
  const bool lies_on_its_side = orientation >= 5;
  Pixels upright{.width = lies_on_its_side ? stored.height : stored.width,
                 .height = lies_on_its_side ? stored.width : stored.height,
                 .samples = stored.samples};
  upright.bytes.resize(stored.bytes.size());
  Byte* out = upright.bytes.data();
  for (std::size_t y = 0; y < upright.height; ++y) {
    for (std::size_t x = 0; x < upright.width; ++x) {
      const auto [from_x, from_y] = stored_at(orientation, stored, x, y);
      const Byte* in = stored.bytes.data() + (from_y * stored.width + from_x) * stored.samples;
      out = std::copy_n(in, stored.samples, out);
    }
  }
  wipe(stored.bytes);
  return upright;
}

}  // namespace

std::optional<Bytes> recoded(ByteView jpeg, int orientation) {
  const Turbo turbo(tjInitTransform());
  if (!turbo) throw Error(ErrorCode::kInternal, "libturbojpeg gave no transformer");
  tjtransform transform{};
  transform.op = transform_for(orientation);
  transform.options = TJXOPT_PERFECT | TJXOPT_COPYNONE;
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  const int failed = tjTransform(turbo.get(), jpeg.data(), jpeg.size(), 1, &buffer, &size,
                                 &transform, TJFLAG_ACCURATEDCT);
  const std::span<Byte> made(buffer, buffer == nullptr ? 0 : size);
  std::optional<Bytes> recoded;
  if (failed == 0) recoded.emplace(made.begin(), made.end());
  wipe(made);
  tjFree(buffer);
  return recoded;
}

Pixels decoded_jpeg(ByteView jpeg, bool grey, int orientation, std::size_t most_pixels) {
  const Turbo turbo(tjInitDecompress());
  if (!turbo) throw Error(ErrorCode::kInternal, "libturbojpeg gave no decoder");
  int width = 0;
  int height = 0;
  int subsampling = 0;
  int colours = 0;
  // Its answer isn't asked: it knows no subsampling but the usual ones, and the decoder does.
  (void)tjDecompressHeader3(turbo.get(), jpeg.data(), jpeg.size(), &width, &height, &subsampling,
                            &colours);
  if (width <= 0 || height <= 0) refuse();
  Pixels stored{.width = static_cast<std::size_t>(width),
                .height = static_cast<std::size_t>(height),
                .samples = grey ? std::size_t{1} : std::size_t{3}};
  stored.bytes.resize(checked_size(stored.width, stored.height, most_pixels) * stored.samples);
  if (tjDecompress2(turbo.get(), jpeg.data(), jpeg.size(), stored.bytes.data(), width, 0, height,
                    grey ? TJPF_GRAY : TJPF_RGB, TJFLAG_ACCURATEDCT) != 0)
    refuse();
  return turned(std::move(stored), orientation);
}

Pixels decoded_png(ByteView png, int orientation, std::size_t most_pixels) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_memory(&image, png.data(), png.size()) == 0) refuse();
  // Frees what begin_read made, if finish_read isn't reached.
  const std::unique_ptr<png_image, decltype(&png_image_free)> owner(&image, png_image_free);
  const bool colour = (image.format & (PNG_FORMAT_FLAG_COLOR | PNG_FORMAT_FLAG_COLORMAP)) != 0;
  image.format = colour ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  Pixels stored{.width = image.width,
                .height = image.height,
                .samples = colour ? std::size_t{3} : std::size_t{1}};
  stored.bytes.resize(checked_size(stored.width, stored.height, most_pixels) * stored.samples);
  const png_color white = {0xff, 0xff, 0xff};
  if (png_image_finish_read(&image, &white, stored.bytes.data(), 0, nullptr) == 0 ||
      image.warning_or_error != 0)
    refuse();
  return turned(std::move(stored), orientation);
}

}  // namespace letterbox::dicom
