// What the scanner makes of files, for tests in Python that ask other readers the same.
//
//   part10_walk [--digests FOLDER]      reads paths, one a line, and writes for each
//     verdict NAME MESSAGE              "ok", or the code of the Error
//     uids TRANSFER-SYNTAX SOP-CLASS SOP-INSTANCE STUDY SERIES      "-" for what isn't known
//     left_out NAME …
//     DEPTH TAG VR LENGTH               each element as it was met, "--" for no VR, "u/l" for no
//     length end
// With --digests it also writes the digest of file number N (from 0) as FOLDER/N.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>

#include "base/error.h"
#include "dicom/part10/encoding.h"
#include "dicom/part10/file_meta.h"
#include "dicom/part10/inflater.h"
#include "dicom/part10/scanner.h"
#include "dicom/part10/walker.h"

using namespace letterbox;
using namespace letterbox::dicom;

namespace {

class Printer final : public Visitor {
 public:
  bool element(const Element& element) override {
    print(element);
    return false;
  }
  void value(ByteView) override {}
  void end_value() override {}
  void sequence(const Element& element, const Encoding&) override {
    print(element);
    ++nesting_;
  }
  void item() override { std::printf("%zu item\n", nesting_); }
  void end_item() override {}
  void end_sequence() override { --nesting_; }
  void fragments(const Element& element) override { print(element); }

 private:
  static void print(const Element& element) {
    const std::string vr =
        element.encoding.explicit_vr ? std::string(element.vr.begin(), element.vr.end()) : "--";
    std::printf("%zu %08x %s ", element.depth, element.tag, vr.c_str());
    if (element.length == kUndefinedLength) {
      std::printf("u/l\n");
    } else {
      std::printf("%u\n", element.length);
    }
  }

  std::size_t nesting_ = 0;
};

// The elements as far as they go, whatever else the scanner asks of a file.
void walk(ByteView file) {
  Printer printer;
  FileMeta meta;
  file = meta.take(file);
  const auto syntax = find_transfer_syntax(meta.transfer_syntax());
  if (!meta.complete() || !syntax) {
    throw Error(ErrorCode::kNotWhatItClaims, "no data set begins");
  }
  Walker walker(syntax->encoding, printer);
  if (!syntax->deflated) {
    walker.take(meta.ahead());
    walker.take(file);
    return walker.finish();
  }
  Inflater inflater;
  for (ByteView rest : {meta.ahead(), file}) {
    for (ByteView some = inflater.next(rest); !some.empty(); some = inflater.next(rest)) {
      walker.take(some);
    }
  }
  inflater.finish();
  walker.finish();
}

void report(const std::filesystem::path& path, const std::filesystem::path& digest) {
  std::ifstream stream(path, std::ios::binary);
  const Bytes file{std::istreambuf_iterator<char>(stream), {}};
  Scanner scanner;
  bool fine = false;
  try {
    scanner.take(file);
    scanner.finish();
    fine = true;
    std::printf("verdict ok\n");
  } catch (const Error& error) {
    std::printf("verdict %s %s\n", to_string(error.code()), error.what());
  }
  std::printf("uids");
  const InstanceUids& known = scanner.known();
  for (const std::string* uid : {&known.transfer_syntax, &known.sop_class, &known.sop_instance,
                                 &known.study, &known.series}) {
    std::printf(" %s", uid->empty() ? "-" : uid->c_str());
  }
  std::printf("\nleft_out");
  if (fine) {
    for (const std::string& name : scanner.left_out()) std::printf(" %s", name.c_str());
    if (!digest.empty()) {
      std::ofstream(digest, std::ios::binary) << as_text(scanner.digest());
    }
  }
  std::printf("\n");
  try {
    walk(file);
    std::printf("walk ok\n");
  } catch (const Error& error) {
    std::printf("walk %s\n", error.what());
  }
}

}  // namespace

int main(int count, char** arguments) {
  const std::filesystem::path folder = count == 3 ? arguments[2] : "";
  std::string path;
  for (int number = 0; std::getline(std::cin, path); ++number) {
    report(path, folder.empty() ? folder : folder / std::to_string(number));
    std::fflush(stdout);
  }
  return 0;
}
