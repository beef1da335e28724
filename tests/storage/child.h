// This program once more, as another process that can be killed.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace letterbox::storage::testing {

/// A child that has reached the point where it waits to be killed. Killed and collected when this
/// goes, if not before.
class Child {
 public:
  /// `arguments` say what to do: see child_main. Returns when the child says that it is ready.
  explicit Child(const std::vector<std::string>& arguments);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const noexcept { return pid_; }
  void kill_at_once();

 private:
  pid_t pid_ = -1;
};

/// What the child does, by its first argument:
///   --stage CONNECTION INSTANCE ROWS   begins a file and appends so many rows and one
///   --hold CONNECTION TENANT UPLOAD    resumes an upload
///   --serve DIRECTORY                  starts a cluster
///   --wait                             nothing
/// Then it says "ready" and waits for its end.
int child_main(const std::vector<std::string>& arguments);

}  // namespace letterbox::storage::testing
