// Programs, run as a user runs them.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "tests/client/fixtures.h"

namespace letterbox::client {

struct Outcome {
  int exit = -1;
  Bytes out;
  std::string err;
};

inline std::string binary(const std::string& name) {
  const char* directory = std::getenv("LETTERBOX_BINARY_DIR");
  return std::string(directory == nullptr ? "." : directory) + "/bin/" + name;
}

/// Runs `command` with `input` on its standard input. Arguments hold no single quotes.
inline Outcome run(const std::vector<std::string>& command, ByteView input = {}) {
  const TemporaryDirectory place;
  write_file(place / "in", input);
  std::string line;
  for (const auto& argument : command) line += "'" + argument + "' ";
  line += "<'" + (place / "in").string() + "' >'" + (place / "out").string() + "' 2>'" +
          (place / "err").string() + "'";
  const int status = std::system(line.c_str());  // NOLINT(cert-env33-c): a shell is the point
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(place / "out"),
          std::string(as_text(read_file(place / "err")))};
}

}  // namespace letterbox::client
