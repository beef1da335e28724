// A collector of syslog messages over TLS: RFC 5425, which DICOM PS3.15 A.6 and IHE ATNA ask for.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "gateway/audit/destination.h"

namespace letterbox::gateway::audit {

struct CollectorAddress {
  std::string host;  ///< a name or an IP address, without brackets
  std::string port;
};

/// HOST:PORT; an IPv6 address in brackets. Throws Error kConfiguration.
CollectorAddress parse_collector_address(const std::string& text);

/// PEM files.
struct CollectorTrust {
  std::filesystem::path authority;    ///< who vouches for the collector; nobody else does
  std::filesystem::path certificate;  ///< ours, with what leads to its authority; empty: none
  std::filesystem::path private_key;  ///< unencrypted; empty: none
};

/// Each delivery is a connection of its own, which ends in order or doesn't count. Syslog has no
/// acknowledgement, but TLS's end is one: the collector's close_notify in answer to ours (RFC 5425
/// section 4.4 demands it) comes after it has read everything before. Then it closes the
/// connection.
class Collector final : public Destination {
 public:
  /// Reads the files, and doesn't connect. From here on the process ignores SIGPIPE. Throws Error
  /// kConfiguration, naming the file.
  Collector(CollectorAddress address, const CollectorTrust& trust);
  ~Collector() override;
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  /// Throws Error kNetwork if the collector can't be reached, isn't who it should be (its
  /// certificate must be vouched for and name the host), or ends before it has everything. A peer
  /// that does nothing for 30 seconds is one that ended.
  void deliver(std::string_view frames) override;

 private:
  struct Context;
  CollectorAddress address_;
  std::unique_ptr<Context> context_;
};

}  // namespace letterbox::gateway::audit
