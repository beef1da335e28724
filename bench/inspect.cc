// bench_inspect FILE [ROUNDS]: what the sandboxed reader adds to looking at a DICOM file.
//
// Inspects FILE again and again, in turns by the scanner alone and by the whole inspector, which
// also asks a child process. Prints the rate of each and their ratio, one thread each. Read the
// ratio: rates are the machine's.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <vector>

#include "dicom/inspector.h"
#include "dicom/part10/scanner.h"

namespace {

using namespace letterbox;

constexpr std::size_t kFiles = 300;
constexpr std::size_t kPiece = std::size_t{256} * 1024;  // the transport's

void scan(ByteView file) {
  dicom::Scanner scanner;
  ViewSource body(file, kPiece);
  for (ByteView piece = body.next(); !piece.empty(); piece = body.next()) scanner.take(piece);
  scanner.finish();
}

template <typename Look>
double files_per_second(Look look) {
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < kFiles; ++i) look();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(kFiles) / took.count();
}

double median(std::vector<double> rates) {
  std::sort(rates.begin(), rates.end());
  return rates[rates.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: bench_inspect FILE [ROUNDS]\n", stderr);
    return 2;
  }
  const auto inspector = dicom::make_inspector();
  std::ifstream stream(argv[1], std::ios::binary);
  const Bytes file{std::istreambuf_iterator<char>(stream), {}};
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 5;  // NOLINT(cert-err34-c)
  std::vector<double> alone;
  std::vector<double> whole;
  for (int round = 0; round < rounds; ++round) {
    alone.push_back(files_per_second([&] { scan(file); }));
    whole.push_back(files_per_second([&] {
      ViewSource body(file, kPiece);
      const auto intake = inspector->admit(dicom::MediaType::kDicom, body);
      while (!intake->next().empty()) {
      }
      static_cast<void>(intake->finding());
    }));
  }
  std::printf(
      "scanner alone %.0f files/s, inspector %.0f files/s: the child costs %.3f ms a file\n",
      median(alone), median(whole), 1e3 / median(whole) - 1e3 / median(alone));
  std::printf("inspect ratio %.3f\n", median(whole) / median(alone));
  return 0;
}
