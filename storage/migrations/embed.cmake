# cmake -DOUTPUT=FILE.cc -P embed.cmake
#   Writes every migration beside this script, in order, with its SHA-256, into one C++ file.
file(GLOB files ${CMAKE_CURRENT_LIST_DIR}/[0-9][0-9][0-9][0-9]_*.sql)
list(SORT files)

set(version 0)
set(entries "")
foreach(file IN LISTS files)
  math(EXPR version "${version} + 1")
  get_filename_component(name ${file} NAME_WE)
  string(REGEX REPLACE "^0*([0-9]+)_.*" "\\1" number ${name})
  if(NOT number EQUAL version)
    message(FATAL_ERROR "migrations must be numbered 0001, 0002 … without a gap: ${file}")
  endif()
  file(SHA256 ${file} sha256)
  file(READ ${file} sql)
  string(APPEND entries "    {${version}, \"${name}\", \"${sha256}\", R\"SQL(${sql})SQL\"},\n")
endforeach()

file(WRITE ${OUTPUT} "// Made by storage/migrations/embed.cmake.
#include \"storage/migrations.h\"

namespace letterbox::storage {

namespace {
constexpr Migration kMigrations[] = {
${entries}};
}  // namespace

std::span<const Migration> migrations() noexcept { return kMigrations; }

}  // namespace letterbox::storage
")
