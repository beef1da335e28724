#pragma once

namespace letterbox::client {

/// Reads the command line, runs the command and reports errors: one line on standard error, or a
/// JSON object there with --json. Returns the exit code (client/exit_code.h).
int run(int argc, char** argv);

}  // namespace letterbox::client
