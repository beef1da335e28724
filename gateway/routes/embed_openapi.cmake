# cmake -DINPUT=openapi.yaml -DOUTPUT=FILE.cc -P embed_openapi.cmake
#   Writes the description of the HTTP interface into one C++ file.
file(READ ${INPUT} yaml)
file(WRITE ${OUTPUT} "// Made by gateway/routes/embed_openapi.cmake.
#include \"gateway/routes/openapi.h\"

namespace letterbox::gateway {

const char* openapi_yaml() noexcept { return R\"YAML(${yaml})YAML\"; }

}  // namespace letterbox::gateway
")
