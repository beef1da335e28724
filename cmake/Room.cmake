# letterbox_room(NAME SOURCES … ROOMS … THIRD_PARTY …)
#   A room is a static library letterbox_NAME. ROOMS are seen through its headers (PUBLIC);
#   THIRD_PARTY never is (PRIVATE), so no other room can include it by accident.
# letterbox_test(NAME SOURCES … LINKS …)
#   A GoogleTest program, one ctest entry.
include(GNUInstallDirs)

# Line tables are all that a report needs, and a quarter quicker to make than the rest of -g.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")

set(LETTERBOX_SANITIZE "" CACHE STRING "Value for -fsanitize=, or empty")

add_library(letterbox_flags INTERFACE)
target_compile_options(letterbox_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Werror
  -fstack-protector-strong -fstack-clash-protection -fcf-protection)
target_include_directories(letterbox_flags INTERFACE ${CMAKE_SOURCE_DIR})
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported()

if(LETTERBOX_SANITIZE)
  target_compile_options(letterbox_flags INTERFACE
    -fsanitize=${LETTERBOX_SANITIZE} -fno-omit-frame-pointer -O1 -g1)
  target_link_options(letterbox_flags INTERFACE -fsanitize=${LETTERBOX_SANITIZE})
  if(LETTERBOX_SANITIZE MATCHES "undefined")
    # No vptr check: cpprestsdk hides its typeinfo, so every call of its classes looks wrong.
    target_compile_options(letterbox_flags INTERFACE
      -fno-sanitize-recover=undefined -fno-sanitize=vptr)
    # clang 14 can't assemble a coroutine with this one check.
    target_compile_options(letterbox_flags INTERFACE $<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=function>)
  endif()
  if(LETTERBOX_FUZZ)
    target_compile_options(letterbox_flags INTERFACE -fsanitize=fuzzer-no-link)
  endif()
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  target_compile_options(letterbox_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
target_link_options(letterbox_flags INTERFACE -Wl,-z,relro,-z,now)

function(letterbox_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;ROOMS;THIRD_PARTY" ${ARGN})
  add_library(letterbox_${name} STATIC ${ROOM_SOURCES})
  list(TRANSFORM ROOM_ROOMS PREPEND letterbox_)
  target_link_libraries(letterbox_${name} PUBLIC ${ROOM_ROOMS} PRIVATE letterbox_flags ${ROOM_THIRD_PARTY})
  target_include_directories(letterbox_${name} PUBLIC ${CMAKE_SOURCE_DIR})
endfunction()

function(letterbox_program name)
  cmake_parse_arguments(PROGRAM "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${PROGRAM_SOURCES})
  target_link_libraries(${name} PRIVATE ${PROGRAM_LINKS} letterbox_flags)
endfunction()

function(letterbox_test name)
  cmake_parse_arguments(TEST "" "" "SOURCES;LINKS" ${ARGN})
  find_package(GTest REQUIRED)
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE ${TEST_LINKS} letterbox_flags GTest::gmock GTest::gtest_main)
  # A test runs once: what it takes to make it fast is longer than what it then saves.
  target_compile_options(${name} PRIVATE -O1)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 600
    ENVIRONMENT "LETTERBOX_SOURCE_DIR=${CMAKE_SOURCE_DIR};LETTERBOX_BINARY_DIR=${CMAKE_BINARY_DIR}")
endfunction()

# letterbox_fuzz(NAME SOURCES … LINKS …): a libFuzzer program; its seeds lie in tests/fuzz/corpus/NAME.
function(letterbox_fuzz name)
  cmake_parse_arguments(FUZZ "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(fuzz_${name} ${FUZZ_SOURCES})
  target_link_libraries(fuzz_${name} PRIVATE ${FUZZ_LINKS} letterbox_flags)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
endfunction()
