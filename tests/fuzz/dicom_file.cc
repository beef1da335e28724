// A file gets the same verdict and the same digest whatever pieces it comes in; a digest is within
// its bounds and a data set that can be walked, and in order.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/error.h"
#include "dicom/part10/scanner.h"

using namespace letterbox;
using namespace letterbox::dicom;

namespace {

struct Outcome {
  std::string refused;  ///< the message
  std::vector<std::string> known;
  std::string digest;
  std::vector<std::string> left_out;
  bool operator==(const Outcome&) const = default;
};

Outcome scan(ByteView file, std::size_t piece) {
  Outcome outcome;
  Scanner scanner;
  try {
    ViewSource source(file, piece);
    for (ByteView some = source.next(); !some.empty(); some = source.next()) scanner.take(some);
    scanner.finish();
    outcome.digest = as_text(scanner.digest());
    outcome.left_out = scanner.left_out();
  } catch (const Error& error) {
    outcome.refused = error.what();
  }
  const InstanceUids& known = scanner.known();
  outcome.known = {known.transfer_syntax, known.sop_class, known.sop_instance, known.study,
                   known.series};
  return outcome;
}

// Not scanned again: an image's digest has no pixels.
class Walked final : public Visitor {
 public:
  bool element(const Element& element) override {
    if (element.length > kMaxDigestValue) std::abort();
    const bool needed =
        element.depth == 0 && (is_identifier(element.tag) || element.tag == 0x00080005);
    if (!element.ascending && !needed) std::abort();
    count();
    return false;
  }
  void value(ByteView) override {}
  void end_value() override {}
  void sequence(const Element& element, const Encoding&) override {
    if (!element.ascending) std::abort();
    count();
  }
  void item() override {}
  void end_item() override {}
  void end_sequence() override {}
  void fragments(const Element&) override { std::abort(); }

 private:
  void count() {
    if (++elements_ > kMaxDigestElements) std::abort();
  }

  std::size_t elements_ = 0;
};

void check_digest(ByteView digest) {
  if (digest.size() > kMaxDigest) std::abort();
  FileMeta meta;
  const ByteView data_set = meta.take(digest);
  const auto syntax = find_transfer_syntax(meta.transfer_syntax());
  if (!meta.complete() || !syntax || syntax->deflated) std::abort();
  Walked walked;
  Walker walker(syntax->encoding, walked);
  walker.take(meta.ahead());
  walker.take(data_set);
  walker.finish();
}

}  // namespace

// The first byte says which pieces. The preamble is added, as all begin alike.
extern "C" int LLVMFuzzerTestOneInput(const Byte* data, std::size_t size) {
  if (size == 0) return 0;
  Bytes file(128, 0);
  for (const char c : std::string_view("DICM")) file.push_back(static_cast<Byte>(c));
  file.insert(file.end(), data + 1, data + size);
  const Outcome whole = scan(file, SIZE_MAX);
  if (scan(file, data[0] % 32 + 1U) != whole) std::abort();
  if (!whole.digest.empty()) check_digest(as_bytes(whole.digest));
  return 0;
}
