#include <fstream>
#include <iostream>
#include <iterator>
#include "base/error.h"
#include "dicom/attributes/reader.h"
using namespace letterbox;
int main(int argc, char** argv) {
  dicom::load_dictionary();
  for (int i = 1; i < argc; ++i) {
    std::ifstream stream(argv[i], std::ios::binary);
    const Bytes file{std::istreambuf_iterator<char>(stream), {}};
    std::cout << argv[i] << "\t";
    try {
      const auto a = dicom::read_attributes(file);
      for (const auto& tag : a.left_out) std::cout << tag << " ";
      std::cout << "\t" << a.json << "\n";
    } catch (const Error& e) {
      std::cout << "refused: " << e.what() << "\t\n";
    }
  }
}
