// What an operator can set. The comments are the manual: `letterboxd serve --help` repeats them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace letterbox::gateway {

/// Where to listen.
struct ListenAddress {
  std::string host;  ///< an IP address, without brackets
  std::uint16_t port = 0;
  /// "https://127.0.0.1:8443", with `actual_port` for port 0.
  std::string url(std::uint16_t actual_port) const;
};

/// HOST:PORT; an IPv6 host in brackets; "localhost" is 127.0.0.1. Throws Error kConfiguration, also
/// for an address that isn't loopback: until the gateway knows who is calling, nobody else may
/// reach it.
ListenAddress parse_listen_address(const std::string& text);

struct Config {
  /// Data directory: keys, certificates, and the private database unless `database` names another.
  /// Created if absent. Flag --data, environment LETTERBOX_DATA.
  std::filesystem::path data;
  /// HOST:PORT to serve HTTPS on; port 0 takes a free one. --listen, LETTERBOX_LISTEN.
  std::string listen = "127.0.0.1:8443";
  /// A PostgreSQL URL or connection string to use instead of the private cluster. Without a
  /// password: name a file with passfile=. --database, LETTERBOX_DATABASE.
  std::string database;
  /// The unprivileged account to become when started as root. Absent: the data directory's owner,
  /// else `letterbox`, else `nobody`. --user, LETTERBOX_USER.
  std::string user;
  /// Most database connections at once. --database-connections, LETTERBOX_DATABASE_CONNECTIONS.
  std::size_t database_connections = 8;
};

}  // namespace letterbox::gateway
