// The commands, one file each. Each prints its result to standard output and throws Error for what
// it can't do.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "client/exit_code.h"
#include "client/session.h"
#include "records/handle.h"
#include "records/time.h"

namespace letterbox::client {

struct ConnectOptions {
  std::filesystem::path file;
  bool replace = false;  ///< take the place of another gateway that is trusted now
};
void connect(const Session& session, const ConnectOptions& options);

struct KeygenOptions {
  std::string handle;
  bool no_passphrase = false;  ///< leave the key file bare
};
void keygen(const Session& session, const KeygenOptions& options);

struct UnlockOptions {
  std::string time = "8h";
};
void unlock(const Session& session, const UnlockOptions& options);
void lock(const Session& session);

void recipient_add(const Session& session, const std::filesystem::path& file);
void recipient_list(const Session& session);
void recipient_remove(const Session& session, const std::string& who);

struct SendOptions {
  std::vector<std::string> files;  ///< "-": standard input
  std::vector<std::string> to;     ///< handles and age1… strings
  std::optional<std::string> expires;
  bool no_copy = false;  ///< don't seal for this device as well
  bool seal_at_gateway = false;
};
void send(const Session& session, const SendOptions& options);

/// kIntegrity if a delivery was refused, after showing the others.
ExitCode list(const Session& session);

struct GetOptions {
  std::string id;                     ///< of a delivery or a file
  std::optional<std::string> output;  ///< "-": standard output
  std::optional<std::filesystem::path> output_directory;
  bool sealed = false;  ///< keep the age file and its cover
  bool force = false;
};
void get(const Session& session, const GetOptions& options);

struct OpenOptions {
  std::string file;                   ///< "-": standard input
  std::optional<std::string> output;  ///< "-": standard output
  std::optional<std::filesystem::path> cover;
  std::optional<std::filesystem::path> identity;
  bool force = false;
};
void open(const Session& session, const OpenOptions& options);

}  // namespace letterbox::client
