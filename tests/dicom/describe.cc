// dicom_describe FILE…: what the inspector makes of each, as a line of JSON, for tests in Python.
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "dicom/inspector.h"

using namespace letterbox;

namespace {

nlohmann::ordered_json described(dicom::Inspector& inspector, const char* path) {
  std::ifstream stream(path, std::ios::binary);
  const Bytes file{std::istreambuf_iterator<char>(stream), {}};
  ViewSource body(file, 4093);
  try {
    const auto intake = inspector.admit(dicom::MediaType::kDicom, body);
    while (!intake->next().empty()) {
    }
    const dicom::Finding& finding = intake->finding();
    return {{"attributes", nlohmann::ordered_json::parse(finding.attributes)},
            {"size", finding.attributes.size()},
            {"left_out", finding.left_out},
            {"study", finding.instance->study}};
  } catch (const Error& error) {
    return {{"refused", to_string(error.code())}, {"reason", error.what()}};
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto inspector = dicom::make_inspector();
  for (int i = 1; i < argc; ++i) std::cout << described(*inspector, argv[i]).dump() << '\n';
}
