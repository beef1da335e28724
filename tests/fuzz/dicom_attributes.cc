// What the sandboxed process does with a file that the scanner let through: whatever DCMTK makes of
// it is refused, or is an answer that holds.
#include <string_view>

#include "base/error.h"
#include "dicom/attributes/attributes.h"
#include "dicom/attributes/reader.h"
#include "dicom/part10/scanner.h"

using namespace letterbox;

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  dicom::load_dictionary();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  dicom::Scanner scanner;
  Bytes answer;
  try {
    scanner.take({data, size});
    scanner.finish();
    answer = dicom::to_answer(dicom::read_attributes(scanner.digest()));
  } catch (const Error& error) {
    return 0;
  }
  if (answer.size() > dicom::kMaxAnswer) __builtin_trap();
  try {
    dicom::parse_answer(answer, scanner.known());
  } catch (const Error& error) {
    if (std::string_view(error.what()) != "two parsers read different UIDs in the file")
      __builtin_trap();
  }
  return 0;
}
