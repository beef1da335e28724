#include "storage/private_cluster.h"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <fstream>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "storage/postmaster.h"

namespace letterbox::storage {

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr const char* kInstallations = "/usr/lib/postgresql";
constexpr const char* kSocketName = ".s.PGSQL.5432";

// After a crash the server first replays up to max_wal_size of its log.
constexpr auto kStartPatience = 120s;
constexpr auto kPollEvery = 10ms;

// What lies in the directory.
struct Layout {
  explicit Layout(const fs::path& directory) : root(fs::absolute(directory).lexically_normal()) {}

  fs::path root;
  fs::path data = root / "data";
  fs::path unfinished = root / "data.unfinished";  // initdb at work, or interrupted
  fs::path sockets = root / "run";
  fs::path log = root / "postgresql.log";
  fs::path lock = root / "lock";
};

// Settings go on the command line: they always are those of this program's version, and nobody can
// turn durability or privacy off in a file. Who needs others runs a server of their own.
constexpr const char* kSettings[] = {
    // Reached by a Unix socket in a directory of mode 0700, and by nothing else.
    "listen_addresses=",
    "port=5432",
    "unix_socket_permissions=0700",
    "max_connections=40",

    // Acknowledged means durable.
    "fsync=on",
    "full_page_writes=on",
    "synchronous_commit=on",

    // Sized for one gateway beside it on a small host. Big files go through the log at full size:
    // a gigabyte between checkpoints keeps these from following each other closely.
    // Its files are kept to be used again, since to make one is to write it twice.
    // The log's buffers would be 2 MB by default, two rows of ours: writers then wait for the disk.
    "shared_buffers=64MB",
    "wal_buffers=16MB",
    "max_wal_size=1GB",
    "min_wal_size=1GB",
    "checkpoint_timeout=15min",
    "jit=off",

    // No statement, no parameter and no row ever gets into the log.
    "log_statement=none",
    "log_min_error_statement=panic",
    "log_min_duration_statement=-1",
    "log_min_duration_sample=-1",
    "log_parameter_max_length=0",
    "log_parameter_max_length_on_error=0",
    "log_error_verbosity=terse",
    "log_checkpoints=off",
    "log_autovacuum_min_duration=-1",
    "logging_collector=off",
    "log_destination=stderr",
    "log_line_prefix=%m [%p] ",
    "update_process_title=off",
};

std::string why() {
  return std::generic_category().message(errno);
}

// --- The directory ------------------------------------------------------------------------------

// A directory of ours alone: made, or found to be.
void require_private_directory(const fs::path& directory) {
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    throw Error(ErrorCode::kFile, "can't make the directory " + directory.string() + ": " + why());
  }
  struct stat status {};
  if (stat(directory.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
    throw Error(ErrorCode::kFile, directory.string() + " is not a directory");
  }
  if (status.st_uid != geteuid()) {
    throw Error(ErrorCode::kFile, "the directory " + directory.string() + " belongs to user " +
                                      std::to_string(status.st_uid) + ", this program runs as " +
                                      std::to_string(geteuid()));
  }
  if (access(directory.c_str(), R_OK | W_OK | X_OK) != 0) {
    throw Error(ErrorCode::kFile,
                "the directory " + directory.string() + " can't be written: " + why());
  }
  if ((status.st_mode & 077) != 0 && chmod(directory.c_str(), 0700) != 0) {
    throw Error(ErrorCode::kFile,
                "can't make the directory " + directory.string() + " private: " + why());
  }
}

// libpq takes a socket's directory in a list, whose elements a comma ends.
void require_sound_path(const fs::path& sockets) {
  const std::size_t most = sizeof(sockaddr_un::sun_path) - 1;
  const std::string socket = (sockets / kSocketName).string();
  if (socket.size() > most) {
    throw Error(ErrorCode::kConfiguration,
                "the path " + socket + " is longer than the " + std::to_string(most) +
                    " characters that a Unix socket may have: choose a data directory with a "
                    "shorter path");
  }
  if (socket.find(',') != std::string::npos) {
    throw Error(ErrorCode::kConfiguration, "the path " + socket +
                                               " holds a comma, which PostgreSQL's client "
                                               "can't reach: choose another data directory");
  }
}

// Held as long as the cluster is ours, so that a second gateway on the same directory doesn't stop
// the first one's server. The kernel lets go of it however we end.
class DirectoryLock {
 public:
  explicit DirectoryLock(const fs::path& file)
      : fd_(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    if (fd_ < 0) throw Error(ErrorCode::kFile, "can't write " + file.string() + ": " + why());
    if (flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      const int reason = errno;
      close(fd_);
      if (reason == EWOULDBLOCK) {
        throw Error(ErrorCode::kConfiguration,
                    "another program is running on this data directory: it holds " + file.string());
      }
      throw Error(ErrorCode::kFile,
                  "can't lock " + file.string() + ": " + std::generic_category().message(reason));
    }
  }
  ~DirectoryLock() { close(fd_); }
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  int fd_;
};

// --- PostgreSQL's programs ----------------------------------------------------------------------

std::optional<int> whole_number(const std::string& text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<int> newest_installation() {
  std::optional<int> newest;
  std::error_code none_there;
  for (const auto& entry : fs::directory_iterator(kInstallations, none_there)) {
    const auto version = whole_number(entry.path().filename().string());
    if (version && fs::exists(entry.path() / "bin/postgres")) newest = std::max(newest, version);
  }
  return newest;
}

// The version that made `data`, which no other can read; else the newest.
fs::path programs_for(const fs::path& data) {
  std::optional<int> version;
  if (fs::exists(data / "PG_VERSION")) {
    std::string text;
    std::ifstream(data / "PG_VERSION") >> text;
    version = whole_number(text);
  } else {
    version = newest_installation();
    if (!version) {
      throw Error(ErrorCode::kConfiguration,
                  std::string("PostgreSQL's programs aren't in ") + kInstallations +
                      ": install the package postgresql, or name a database server");
    }
  }
  fs::path programs = fs::path(kInstallations) / std::to_string(version.value_or(0)) / "bin";
  if (!fs::exists(programs / "postgres")) {
    throw Error(ErrorCode::kConfiguration, "the database in " + data.string() +
                                               " was made by PostgreSQL " +
                                               std::to_string(version.value_or(0)) +
                                               ", whose programs aren't in " + programs.string());
  }
  return programs;
}

// --- The cluster --------------------------------------------------------------------------------

std::string user_name() {
  std::vector<char> buffer(16384);
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found) != 0 ||
      found == nullptr) {
    throw Error(ErrorCode::kConfiguration,
                "user " + std::to_string(geteuid()) +
                    " has no name on this system, and PostgreSQL's peer authentication needs one");
  }
  return found->pw_name;
}

std::string connection_to(const Layout& layout) {
  // A value in quotes, where quote and backslash are escaped (libpq, "Connection Strings").
  const auto quoted = [](const std::string& value) {
    std::string text = "'";
    for (const char c : value) {
      if (c == '\'' || c == '\\') text += '\\';
      text += c;
    }
    return text + '\'';
  };
  return "host=" + quoted(layout.sockets.string()) +
         " port=5432 dbname=postgres user=" + quoted(user_name());
}

// Made beside its place and then renamed: an interrupted initdb leaves nothing that looks whole.
void make_data(const Layout& layout, const fs::path& programs) {
  fs::remove_all(layout.unfinished);
  const pid_t initdb = spawn(
      programs / "initdb",
      {"--pgdata=" + layout.unfinished.string(), "--auth=peer", "--data-checksums",
       "--encoding=UTF8", "--locale=C.UTF-8", "--username=" + user_name(), "--no-instructions"},
      layout.log);
  const std::optional<int> status = wait_for_end(initdb, kStartPatience);
  if (!status) kill(initdb, SIGTERM);
  if (status != 0) {
    throw Error(ErrorCode::kUnavailable,
                "PostgreSQL's initdb failed; why is in " + layout.log.string());
  }
  fs::rename(layout.unfinished, layout.data);
}

// An earlier run may have left its server: still running, or on its way down after we were killed,
// or dead with some of its processes behind.
void end_earlier_run(const Layout& layout) {
  if (const auto earlier = running_postmaster(layout.data)) {
    log::warn("stopping the database server that an earlier run left",
              {{"pid", std::to_string(earlier->pid)}});
    stop_postmaster(earlier->pid);
  }
  for (const pid_t process : processes_on(layout.data)) {
    if (wait_for_end(process, kStartPatience)) continue;
    throw Error(ErrorCode::kUnavailable, "process " + std::to_string(process) +
                                             " of an earlier database server in " +
                                             layout.data.string() + " doesn't end");
  }
  // Nothing is left, so its lock files are stale. PostgreSQL would see that too, unless another
  // process has their pid by now, which in a container is soon the case.
  fs::remove(layout.data / "postmaster.pid");
  fs::remove(layout.sockets / (std::string(kSocketName) + ".lock"));
}

pid_t start_server(const Layout& layout, const fs::path& programs) {
  // The setting is a list of names, which quotes keep as they are.
  std::string sockets = "unix_socket_directories=\"";
  for (const char c : layout.sockets.string()) sockets += c == '"' ? "\"\"" : std::string(1, c);
  sockets += '"';

  std::vector<std::string> arguments = {"-D", layout.data.string(), "-c", sockets};
  for (const char* setting : kSettings) {
    arguments.emplace_back("-c");
    arguments.emplace_back(setting);
  }
  const pid_t server = spawn(programs / "postgres", arguments, layout.log);

  const auto deadline = std::chrono::steady_clock::now() + kStartPatience;
  for (;;) {
    const auto state = running_postmaster(layout.data);
    if (state && state->pid == server && state->ready) return server;
    if (wait_for_end(server, kPollEvery)) {
      throw Error(ErrorCode::kUnavailable,
                  "the database server ended while starting; why is in " + layout.log.string());
    }
    if (std::chrono::steady_clock::now() > deadline) {
      stop_postmaster(server);
      throw Error(ErrorCode::kUnavailable,
                  "the database server doesn't get ready; why is in " + layout.log.string());
    }
  }
}

class StartedCluster final : public PrivateCluster {
 public:
  explicit StartedCluster(const Layout& layout)
      : lock_(layout.lock), connection_(connection_to(layout)) {
    require_private_directory(layout.sockets);
    end_earlier_run(layout);
    const fs::path programs = programs_for(layout.data);
    if (!fs::exists(layout.data / "PG_VERSION")) make_data(layout, programs);
    server_ = start_server(layout, programs);
  }
  ~StartedCluster() override {
    if (running() && !stop_postmaster(server_)) {
      log::error("the database server doesn't stop", {{"pid", std::to_string(server_)}});
    }
  }
  StartedCluster(const StartedCluster&) = delete;
  StartedCluster& operator=(const StartedCluster&) = delete;

  bool running() override {
    // Once it was waited for, its pid may be anybody's.
    if (server_ > 0 && waitpid(server_, nullptr, WNOHANG) == server_) server_ = -1;
    return server_ > 0;
  }
  std::string connection() const override { return connection_; }

 private:
  DirectoryLock lock_;
  std::string connection_;
  pid_t server_ = -1;
};

class JoinedCluster final : public PrivateCluster {
 public:
  explicit JoinedCluster(const Layout& layout)
      : data_(layout.data), connection_(connection_to(layout)) {}
  bool running() override { return running_postmaster(data_).has_value(); }
  std::string connection() const override { return connection_; }

 private:
  const fs::path data_;
  std::string connection_;
};

}  // namespace

std::unique_ptr<PrivateCluster> PrivateCluster::start(const fs::path& directory) {
  if (geteuid() == 0) {
    throw Error(ErrorCode::kConfiguration,
                "PostgreSQL refuses to run as root: run this as an unprivileged user");
  }
  const Layout layout(directory);
  require_sound_path(layout.sockets);
  try {
    fs::create_directories(layout.root.parent_path());
    require_private_directory(layout.root);
    return std::make_unique<StartedCluster>(layout);
  } catch (const fs::filesystem_error& error) {
    throw Error(ErrorCode::kFile, error.what());
  }
}

std::unique_ptr<PrivateCluster> PrivateCluster::join(const fs::path& directory) {
  const Layout layout(directory);
  const auto deadline = std::chrono::steady_clock::now() + kStartPatience;
  while (const auto state = running_postmaster(layout.data)) {
    if (state->ready) return std::make_unique<JoinedCluster>(layout);
    if (std::chrono::steady_clock::now() > deadline) break;
    std::this_thread::sleep_for(kPollEvery);
  }
  return nullptr;
}

}  // namespace letterbox::storage
