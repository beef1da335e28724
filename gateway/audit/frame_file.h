// A file of syslog frames.
#pragma once

#include <filesystem>

#include "gateway/audit/destination.h"

namespace letterbox::gateway::audit {

class FrameFile final : public Destination {
 public:
  /// Makes the file, which mustn't exist, for its owner alone. Throws Error kFile.
  explicit FrameFile(const std::filesystem::path& path);
  ~FrameFile() override;
  FrameFile(const FrameFile&) = delete;
  FrameFile& operator=(const FrameFile&) = delete;

  /// Durable when it returns. If it throws (Error kFile), the file ends where it ended before.
  void deliver(std::string_view frames) override;

 private:
  std::filesystem::path path_;
  int file_;
  long size_ = 0;
};

}  // namespace letterbox::gateway::audit
