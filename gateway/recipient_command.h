// letterboxd recipient add|list|remove: the directory, from the host.
#pragma once

#include <string>

#include "gateway/config.h"

namespace letterbox::gateway {

/// Adds the device record in the file `path` ("-": standard input) after verifying it, and prints
/// what it says, for comparing the fingerprint with the owner. Throws Error kFile, kMalformed,
/// kBadSignature, kConflict, and what opening the database throws.
void add_recipient(const Config& config, const std::string& path);
/// Prints one line a device: handle, age1…, fingerprint of the signing key.
void list_recipients(const Config& config);
/// Throws Error kNotFound if the directory has no such age1… string.
void remove_recipient(const Config& config, const std::string& recipient);

}  // namespace letterbox::gateway
