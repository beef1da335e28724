// clean_photo: a photo on standard input comes out clean on standard output, and what the cleaner
// found on standard error: "captured …" and a line "dropped …" for each. Exit 1: refused.
// photo_test.py looks at what it does with other programs' eyes.
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

#include "base/error.h"
#include "dicom/photo/cleaner.h"

using namespace letterbox;

namespace {

// Pieces as the transport hands them over, or as small as the argument says.
class StandardInput final : public Source {
 public:
  explicit StandardInput(std::size_t piece) : piece_(piece) {}
  ByteView next() override {
    return ByteView(piece_).first(std::fread(piece_.data(), 1, piece_.size(), stdin));
  }

 private:
  Bytes piece_;
};

}  // namespace

int main(int count, char** arguments) {
  StandardInput input(count > 1 ? std::stoul(arguments[1]) : std::size_t{256} * 1024);
  Byte first[132];
  const ByteView head(first, std::fread(first, 1, sizeof first, stdin));
  PrefixedSource whole({head.begin(), head.end()}, input);
  try {
    const auto type = dicom::sniff(head);
    if (!type) throw Error(ErrorCode::kUnsupportedMediaType, "neither a JPEG nor a PNG");
    const auto photo = dicom::clean_photo(*type, whole);
    for (ByteView piece = photo->next(); !piece.empty(); piece = photo->next())
      std::fwrite(piece.data(), 1, piece.size(), stdout);
    const dicom::Finding& finding = photo->finding();
    if (finding.captured) std::fprintf(stderr, "captured %s\n", finding.captured->c_str());
    for (const std::string& what : finding.dropped)
      std::fprintf(stderr, "dropped %s\n", what.c_str());
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
