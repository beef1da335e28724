// Where a command leaves a secret that it made: a file of its caller's, or a terminal.
#pragma once

#include <filesystem>

#include "base/secret.h"

namespace letterbox::gateway {

class SecretOutput {
 public:
  /// Opens `file`, mode 0600, so make it before the process gives up its caller's rights; the
  /// terminal on standard output if it is empty. Throws Error kFile if the file exists (one that is
  /// empty and its owner's alone is taken: a command that failed leaves it), kUsage without a file
  /// if standard output is no terminal: in a pipe or a log a secret would be anybody's.
  explicit SecretOutput(const std::filesystem::path& file);
  ~SecretOutput();
  SecretOutput(const SecretOutput&) = delete;
  SecretOutput& operator=(const SecretOutput&) = delete;

  /// Once. What is in a file then survives a crash. Throws Error kFile.
  void write(const SecretBytes& secret);

 private:
  std::filesystem::path file_;
  int descriptor_;
};

}  // namespace letterbox::gateway
