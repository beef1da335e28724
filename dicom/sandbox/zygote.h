// The process that children are forked from.
#pragma once

#include "dicom/sandbox/sandbox.h"

namespace letterbox::dicom {

/// What a forked process becomes. It keeps of its maker's descriptors the one given, over which it
/// is asked for children: a byte says which, and comes back with the other end of that child's
/// wire, or without if none could be made. An earlier child of that number is ended first. It ends
/// when nobody holds the other end of `control` any more, and its children with it.
[[noreturn]] void be_zygote(Descriptor control, const SandboxedWork& work,
                            const SandboxLimits& limits) noexcept;

}  // namespace letterbox::dicom
