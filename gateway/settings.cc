#include "gateway/settings.h"

#include <algorithm>

#include "base/error.h"
#include "gateway/amount.h"
#include "gateway/audit/collector.h"
#include "gateway/directory/names.h"
#include "records/target_uri.h"

namespace letterbox::gateway {

namespace {

constexpr std::uint64_t kKib = 1024;
constexpr std::uint64_t kMib = 1024 * kKib;
constexpr std::uint64_t kGib = 1024 * kMib;
constexpr std::uint64_t kTib = 1024 * kGib;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::kConfiguration, what);
}

// --- The kinds of fields.

Field text(std::string& field, const char* form) {
  return {Notation::kString, form, [&](const std::string& value) { field = value; },
          [&] { return field; }};
}

Field path(std::filesystem::path& field, const char* form) {
  return {Notation::kString, form, [&](const std::string& value) { field = value; },
          [&] { return field.string(); }};
}

Field address(ListenAddress& field) {
  return {Notation::kString, "HOST:PORT",
          [&](const std::string& value) { field = parse_listen_address(value); },
          [&] { return field.text(); }};
}

Field address(std::optional<ListenAddress>& field) {
  return {Notation::kString, "HOST:PORT",
          [&](const std::string& value) { field = parse_listen_address(value); },
          [&] { return field ? field->text() : ""; }};
}

Field loopback(std::optional<ListenAddress>& field) {
  return {Notation::kString, "HOST:PORT",
          [&](const std::string& value) { field = parse_loopback_address(value); },
          [&] { return field ? field->text() : ""; }};
}

Field public_url(std::string& field) {
  return {Notation::kString, "URL",
          [&](const std::string& value) {
            constexpr const char* kForm = "must be https://HOST or https://HOST:PORT";
            try {
              const auto uri = records::TargetUri::parse(value);
              if (uri.scheme != "https" || uri.path != "/" || !uri.query.empty()) refuse(kForm);
              field = uri.scheme + "://" + uri.authority;
            } catch (const Error& error) {
              refuse(kForm);
            }
          },
          [&] { return field; }};
}

Field tenant(std::string& field) {
  return {Notation::kString, "NAME",
          [&](const std::string& value) {
            if (!is_tenant_name(value)) {
              refuse(
                  "must be what stands after the @ of handles: 1 to 64 of a-z, 0-9, '.' and "
                  "'-', a letter or digit first and last");
            }
            field = value;
          },
          [&] { return field; }};
}

Field host_and_port(std::string& field) {
  return {Notation::kString, "HOST:PORT",
          [&](const std::string& value) {
            audit::parse_collector_address(value);
            field = value;
          },
          [&] { return field; }};
}

Field mail_address(std::string& field) {
  return {Notation::kString, "ADDRESS",
          [&](const std::string& value) {
            if (!is_mail_address(value)) refuse("must be a plain mail address, like box@a.example");
            field = value;
          },
          [&] { return field; }};
}

Field mail_tls(MailRelay::Tls& field) {
  using Tls = MailRelay::Tls;
  return {Notation::kString, "starttls, tls or none",
          [&](const std::string& value) {
            if (value == "starttls") {
              field = Tls::kStartTls;
            } else if (value == "tls") {
              field = Tls::kTls;
            } else if (value == "none") {
              field = Tls::kNone;
            } else {
              refuse("must be starttls, tls or none");
            }
          },
          [&] {
            return field == Tls::kStartTls ? "starttls" : field == Tls::kTls ? "tls" : "none";
          }};
}

Field boolean(bool& field) {
  return {Notation::kBoolean, "true or false",
          [&](const std::string& value) {
            if (value != "true" && value != "false") refuse("must be true or false");
            field = value == "true";
          },
          [&] { return field ? "true" : "false"; }};
}

template <typename Number>
Field number(Number& field, std::uint64_t least, std::uint64_t most) {
  const std::string form = std::to_string(least) + " to " + std::to_string(most);
  return {Notation::kInteger, form,
          [=, &field](const std::string& value) {
            const std::optional<std::uint64_t> given = parse_number(value);
            if (!given || *given < least || *given > most) {
              refuse("must be a whole number, " + form);
            }
            field = static_cast<Number>(*given);
          },
          [&] { return std::to_string(field); }};
}

Field size(std::uint64_t& field, std::uint64_t least, std::uint64_t most) {
  const std::string form = size_text(least) + " to " + size_text(most);
  return {Notation::kSize, form,
          [=, &field](const std::string& value) {
            const std::optional<std::uint64_t> given = parse_size(value);
            if (!given || *given < least || *given > most) {
              refuse("must be bytes (4096) or have a unit (16 KiB, 128 MiB, 1 GiB), " + form);
            }
            field = *given;
          },
          [&] { return size_text(field); }};
}

template <typename Duration>
Field duration(Duration& field, const char* unit, std::uint64_t least, std::uint64_t most) {
  const std::string form = std::to_string(least) + " to " + std::to_string(most);
  return {Notation::kInteger, form,
          [=, &field](const std::string& value) {
            const std::optional<std::uint64_t> given = parse_number(value);
            if (!given || *given < least || *given > most) {
              refuse(std::string("must be a whole number of ") + unit + ", " + form);
            }
            field = Duration(*given);
          },
          [&] { return std::to_string(field.count()); }};
}

Field seconds(std::chrono::seconds& field, std::uint64_t least, std::uint64_t most) {
  return duration(field, "seconds", least, most);
}

Field hours(std::chrono::hours& field, std::uint64_t least, std::uint64_t most) {
  return duration(field, "hours", least, most);
}

Field days(std::chrono::days& field, std::uint64_t least, std::uint64_t most) {
  return duration(field, "days", least, most);
}

Field days(std::optional<std::chrono::days>& field, std::uint64_t least, std::uint64_t most) {
  return {Notation::kInteger, "DAYS",
          [=, &field](const std::string& value) {
            std::chrono::days given{};
            days(given, least, most).set(value);
            field = given;
          },
          [&] { return field ? std::to_string(field->count()) : std::string(); }};
}

Field format(log::Format& field) {
  return {Notation::kString, "logfmt or json",
          [&](const std::string& value) {
            if (value != "logfmt" && value != "json") refuse("must be logfmt or json");
            field = value == "json" ? log::Format::kJson : log::Format::kLogfmt;
          },
          [&] { return field == log::Format::kJson ? "json" : "logfmt"; }};
}

std::string with(std::string text, char separator) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '.' || c == '_'; }, separator);
  return text;
}

}  // namespace

std::string Setting::flag() const {
  return "--" + with(key, '-');
}

std::string Setting::variable() const {
  std::string name = "LETTERBOX_" + with(key, '_');
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return 'a' <= c && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return name;
}

std::vector<Setting> settings_of(Config& config) {
  static_assert(sizeof(std::size_t) == sizeof(std::uint64_t));
  transport::Limits& limits = config.limits;
  return {
      {"data", path(config.data, "DIRECTORY"),
       "Data directory: keys, certificates, the private database. Made if absent."},
      {"listen", address(config.listen), "Where to serve HTTPS; port 0 takes a free one."},
      {"public_url", public_url(config.public_url),
       "By which URL clients know the gateway, without a path; they sign for it. Absent: where it "
       "listens."},
      {"tenant", tenant(config.tenant),
       "The tenant that is made at the first start, and that commands are about unless told "
       "otherwise."},
      {"database", text(config.database, "URL"),
       "PostgreSQL URL or connection string instead of the private database. Without a password: "
       "name "
       "a file with passfile=."},
      {"database_connections", number(config.database_connections, 2, 100),
       "Most database connections at once."},
      {"user", text(config.user, "ACCOUNT"),
       "Account to become when started as root. Absent: the data directory's owner, else "
       "letterbox, "
       "else nobody."},

      {"machine.listen", address(config.machine_listen),
       "Where to serve HTTPS to machines, which must show a client certificate. Absent: nowhere."},
      {"machine.client_authority", path(config.machine_client_authority, "FILE"),
       "PEM: authorities whose client certificates machines may show."},
      {"machine.tokens", boolean(config.machine_tokens),
       "Whether machines that can't show a certificate may show a token instead."},

      {"delivery.life", days(config.allowance.life, 1, 3650),
       "Days that a delivery lives if its sender doesn't say."},
      {"delivery.longest_life", days(config.allowance.longest_life, 1, 3650),
       "Days that a sender may ask for."},
      {"delivery.downloads", number(config.allowance.downloads, 1, 1000000),
       "How often each device may download each file if its sender doesn't say."},
      {"delivery.most_downloads", number(config.allowance.most_downloads, 1, 1000000),
       "What a sender may ask for there. `admin tenant limits` overrides these four."},
      {"delivery.most_unfinished", size(config.allowance.most_unfinished, 1, 1024 * kTib),
       "Bytes that one sender's uploads may come to which aren't complete, and at most half of the "
       "tenant's quota; more: 507."},
      {"delivery.quota", size(config.quota, 0, 1024 * kTib),
       "Bytes that a new tenant may have stored; 0: no bound. `admin tenant limits` changes it."},
      {"backup.retention_days", days(config.backup_retention, 0, 36500),
       "Days after which the last backup lapses that may hold what was deleted: deletion receipts "
       "promise it. Absent: they promise no date."},
      {"sweep.every", seconds(config.sweep_every, 1, 86400),
       "Seconds between two looks for what has expired."},

      {"notices.expiring_hours", hours(config.expiring_notice, 0, 8760),
       "So long before a delivery ends unread its sender is told, but not before the last quarter "
       "of its life; 0: never."},
      {"events.streams", number(config.event_streams.streams, 0, 100000),
       "Event streams open at once; more: 429."},
      {"events.streams_of_principal", number(config.event_streams.principal, 0, 1000),
       "Of these, for one principal; more: 429."},
      {"mail.relay", host_and_port(config.mail_relay.address),
       "The hospital's mail relay. Absent: nobody is told by mail."},
      {"mail.from", mail_address(config.mail_from), "Who mail is from."},
      {"mail.tls", mail_tls(config.mail_relay.tls),
       "How the relay is spoken to; none is for one on this host, or a network that is trusted."},
      {"mail.ca", path(config.mail_relay.authority, "FILE"),
       "PEM: who alone vouches for the relay. Absent: whom the system trusts."},
      {"mail.user", text(config.mail_relay.user, "NAME"),
       "Who the gateway is to the relay. Absent: nobody."},
      {"mail.password", path(config.mail_relay.password, "FILE"),
       "File that holds that user's password, readable by the account that serves and by nobody "
       "else."},
      {"mail.pause", seconds(config.mail_pause, 0, 86400),
       "Seconds between two mails to one person; one tells of everything since the last."},

      {"stow.parts", number(config.stow_parts, 1, 1000000),
       "Parts of a STOW-RS request; more: 413."},

      {"tls.certificate", path(config.tls_certificate, "FILE"),
       "PEM: the server's certificate, then what leads to its authority, which comes last. Absent: "
       "the gateway's own authority makes one. Read again on SIGHUP."},
      {"tls.private_key", path(config.tls_private_key, "FILE"),
       "PEM: the certificate's key, unencrypted. Read again on SIGHUP."},

      {"metrics.listen", loopback(config.metrics_listen),
       "Where to serve GET /metrics over plain HTTP; loopback only; port 0 takes a free one. "
       "Absent: "
       "nowhere."},

      {"inspector.children", number(config.inspector_children, 1, 64),
       "Processes that read DICOM, each one instance at a time; others wait."},

      {"limits.header_bytes", size(limits.header_bytes, kKib, kMib),
       "Request line and header fields; more: 431."},
      {"limits.header_fields", number(limits.header_fields, 1, 10000), "Header fields; more: 431."},
      {"limits.target_bytes", size(limits.target_bytes, 256, kMib), "Request target; more: 414."},
      {"limits.body_bytes", size(limits.body_bytes, 1, 1024 * kTib),
       "A request's body; more: 413."},
      {"limits.connections", number(limits.connections, 1, 1000000),
       "Connections open at once; over that, those without a request make room."},
      {"limits.requests", number(limits.requests, 1, 100000),
       "Requests at hand at once; more: 503."},
      {"limits.peer_requests", number(limits.peer_requests, 1, 100000),
       "Of these, for one address; more: 503."},
      {"limits.body_memory", size(limits.body_memory, kMib, kTib),
       "Memory for the bodies of requests together; more: 503."},
      {"limits.workers", number(limits.workers, 1, 1024),
       "Requests in a handler at once; others wait."},
      {"limits.peer_workers", number(limits.peer_workers, 1, 1024), "Of these, for one address."},
      {"limits.stall_bytes", size(limits.stall_bytes, 1, kGib),
       "Bytes that must move within timeouts.stall."},

      {"rate.principal", number(config.rates.principal, 0, 1000000),
       "Requests a second of one principal; more: 429. Ten seconds' worth may come at once; 0: no "
       "bound."},
      {"rate.peer", number(config.rates.peer, 0, 1000000),
       "Requests a second from one address; more: 429. Ten seconds' worth may come at once; 0: no "
       "bound."},
      {"rate.failures", number(config.rates.failures, 0, 1000000),
       "Failed authentications a minute from one network; more: 429; 0: no bound."},

      {"timeouts.handshake", seconds(limits.handshake, 1, 3600), "For TLS, from accepting on."},
      {"timeouts.header", seconds(limits.header, 1, 3600),
       "For a request's header, from its first byte to its last; longer: 408."},
      {"timeouts.idle", seconds(limits.idle, 1, 86400),
       "Between two requests on a connection; then it is closed."},
      {"timeouts.stall", seconds(limits.stall, 1, 3600),
       "For limits.stall_bytes to move, in a body or an answer; longer: 408, or the answer is "
       "cut."},

      {"shutdown.notice", seconds(config.shutdown_notice, 0, 3600),
       "After SIGTERM, how long /readyz says 503 before anything else changes."},
      {"shutdown.drain", seconds(limits.drain, 0, 86400),
       "How long requests at hand may take to end after that."},

      {"disk.reserve", size(config.disk_reserve, 0, 1024 * kTib),
       "Bytes to keep free below the data directory; with less, /readyz says 503, and what would "
       "fill the private database is refused: 507."},

      {"log.format", format(config.log_format), "How a line of the log is written."},
  };
}

}  // namespace letterbox::gateway
