// What an operator can set. The comments are the manual; gateway/settings.cc says how each is
// called and within which bounds, and `letterboxd config reference` prints them all.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/log.h"
#include "gateway/allowance.h"
#include "gateway/notices/courier.h"
#include "gateway/notices/event_stream_limits.h"
#include "gateway/transport/transport.h"

namespace letterbox::gateway {

/// Where to listen.
struct ListenAddress {
  std::string host;  ///< an IP address, without brackets
  std::uint16_t port = 0;
  /// "127.0.0.1:8443", as parse_listen_address takes it.
  std::string text() const;
  /// "https://127.0.0.1:8443", with `actual_port` for port 0.
  std::string url(std::uint16_t actual_port) const;
  /// The same as this host reaches it: by its loopback address, where it listens on every one.
  std::string url_from_here(std::uint16_t actual_port) const;
};

/// HOST:PORT; an IPv6 host in brackets; "localhost" is 127.0.0.1. Throws Error kConfiguration.
ListenAddress parse_listen_address(const std::string& text);
/// The same, and a loopback address. Throws Error kConfiguration.
ListenAddress parse_loopback_address(const std::string& text);

/// How often something may be asked for; 0: without bound. What was saved up in 10 s may come at
/// once.
struct Rates {
  std::size_t principal = 500;  ///< requests a second, of one principal
  std::size_t peer = 1000;      ///< requests a second, from one address
  std::size_t failures = 20;    ///< failed authentications a minute, from one network
};

/// A flag goes before the environment, and that before the file. Secrets are never values here, but
/// paths of files that hold them.
struct Config {
  /// Data directory: keys, certificates, and the private database unless `database` names another.
  /// Created if absent.
  std::filesystem::path data;
  /// Where to serve HTTPS; port 0 takes a free one.
  ListenAddress listen{"127.0.0.1", 8443};
  /// The URL by which clients know the gateway, without a path: what they sign their requests for,
  /// whatever address they connect to. Absent: https:// and where it listens.
  std::string public_url;
  /// Name of the tenant that is made at the first start, and of the one that a command on the host
  /// is about if nothing else says so.
  std::string tenant = "localhost";
  /// A PostgreSQL URL or connection string to use instead of the private cluster. Without a
  /// password: name a file with passfile=.
  std::string database;
  /// Most database connections at once.
  std::size_t database_connections = 8;
  /// The unprivileged account to become when started as root. Absent: the data directory's owner,
  /// else `letterbox`, else `nobody`.
  std::string user;

  /// A second HTTPS listener, for machines: it demands a client certificate. Absent: there is none.
  std::optional<ListenAddress> machine_listen;
  /// PEM: the authorities whose client certificates `machine_listen` takes.
  std::filesystem::path machine_client_authority;
  /// Whether machines that can't show a certificate may show a token instead.
  bool machine_tokens = false;

  Rates rates;

  /// How long deliveries live, how often they may be fetched and what a sender may announce, where
  /// a tenant has no limits of its own.
  Allowance allowance;
  /// What a tenant that is made may have stored, in bytes; 0: no bound. Its own limit from then on.
  std::uint64_t quota = 0;
  /// How long the last backup lives after what it holds was deleted: deletion receipts promise it.
  /// Absent: nobody said so, and they promise no date.
  std::optional<std::chrono::days> backup_retention;
  /// How often the gateway looks for what is over.
  std::chrono::seconds sweep_every{60};

  /// So long before a delivery ends unread its sender is told, but not before the last quarter of
  /// its life; 0: never.
  std::chrono::hours expiring_notice{48};
  /// Event streams open at once, together and for one principal.
  EventStreamLimits event_streams;
  /// The hospital's mail relay, and who mail is from. Without an address there is no mail.
  MailRelay mail_relay;
  std::string mail_from;
  /// Nobody gets two mails within so long.
  std::chrono::seconds mail_pause{600};

  /// Most parts of a STOW-RS request; more: 413.
  std::size_t stow_parts = 20'000;

  /// PEM: the server's certificate and what leads up to its authority, which comes last. Absent:
  /// the gateway's own authority makes one for loopback addresses. Read again on SIGHUP.
  std::filesystem::path tls_certificate;
  /// PEM, unencrypted, readable by the account that serves and by nobody else.
  std::filesystem::path tls_private_key;

  /// Where to serve GET /metrics over plain HTTP. Always a loopback address: metrics are nobody
  /// else's business. Absent: nowhere.
  std::optional<ListenAddress> metrics_listen;

  /// What peers may make the gateway keep or wait for, explained at each of its fields. `drain` is
  /// shutdown.drain.
  transport::Limits limits;

  /// Processes that read DICOM: so many instances are read at once, others wait.
  std::size_t inspector_children = 4;

  /// After SIGTERM, how long /readyz says 503 while everything else goes on, so that a load
  /// balancer sends its requests elsewhere first.
  std::chrono::seconds shutdown_notice{0};

  /// With less than this many bytes free below the data directory, /readyz says 503, and nothing
  /// that lets the private database grow is taken: 507.
  std::uint64_t disk_reserve = 1ULL << 30;

  /// How a line of the log is written.
  log::Format log_format = log::Format::kLogfmt;
};

/// Throws Error kConfiguration if settings that are each right don't go together.
void require_consistent(const Config& config);

}  // namespace letterbox::gateway
