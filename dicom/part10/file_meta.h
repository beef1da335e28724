// What stands before the data set in a file (PS3.10 section 7.1).
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace letterbox::dicom {

/// The preamble and the file meta information may have this many bytes together.
inline constexpr std::size_t kMaxFileMeta = std::size_t{64} * 1024;

/// Reads preamble, prefix and the elements of group 0002, in pieces of any size. What it takes and
/// what it refuses is in docs/dicom-files.md. For one thread at a time.
class FileMeta {
 public:
  FileMeta();
  /// Wipes what it has read: private information may be anything.
  ~FileMeta();
  FileMeta(const FileMeta&) = delete;
  FileMeta& operator=(const FileMeta&) = delete;

  /// Returns what of the piece it doesn't need. Throws Error kNotWhatItClaims.
  ByteView take(ByteView piece);
  /// Whether the data set has begun: with ahead(), then what take() left.
  bool complete() const { return complete_; }
  ByteView ahead() const { return ByteView(bytes_).subspan(at_); }

  /// A UID, once met.
  const std::string& transfer_syntax() const { return transfer_syntax_; }
  /// What the instance is said to be here, as far as that was met and is a UID. The data set has
  /// the last word, where it can be read.
  const std::string& sop_class() const { return sop_class_; }
  const std::string& sop_instance() const { return sop_instance_; }

 private:
  void prefix();
  void element();
  void end();
  ByteView bytes_at(std::size_t offset) const { return ByteView(bytes_).subspan(offset); }
  [[noreturn]] void refuse(const char* rule) const;

  Bytes bytes_;
  std::size_t at_ = 0;              ///< where the next element begins
  std::size_t needed_ = 132;        ///< as many bytes as the next step looks at
  std::optional<std::size_t> end_;  ///< by the group's length, if it has one
  std::string transfer_syntax_;
  std::string sop_class_;
  std::string sop_instance_;
  bool complete_ = false;
};

}  // namespace letterbox::dicom
