#include "client/process.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/error.h"

namespace letterbox::client {

void harden_process() {
  const rlimit none{0, 0};
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || ::setrlimit(RLIMIT_CORE, &none) != 0)
    throw Error(ErrorCode::kInternal, "core files can't be switched off");
}

}  // namespace letterbox::client
