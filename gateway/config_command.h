// letterboxd config check|reference: the configuration, for whoever writes it.
#pragma once

#include "gateway/configure.h"

namespace letterbox::gateway {

/// Prints every setting in effect and where it comes from, then, on standard error, what would keep
/// a gateway from serving with it, as far as that can be told without starting one: files, keys,
/// certificates, directories, limits of the system. True if nothing would. Looks at files as the
/// account that would serve, so root becomes that account for good. No secret is printed: none is a
/// setting.
bool check_config(const Configuration& configuration);

/// Prints a settings file with every default, which docs/letterboxd.toml is.
void print_reference();

}  // namespace letterbox::gateway
