// What the gateway sends of its own accord, by libcurl: the one place that knows it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace letterbox::gateway {

/// What a receiver may make us wait for, and read.
struct CourierLimits {
  long connect_seconds = 5;
  long seconds = 10;                       ///< for everything
  std::size_t answer_bytes = 64UL * 1024;  ///< of an answer, which is read and forgotten
};

/// A POST over HTTPS.
struct Post {
  std::string url;
  std::string authority;  ///< PEM: the only ones who vouch for the receiver; empty: the system's
  std::vector<std::string> fields;  ///< "Name: value"
  std::string body;
};

/// Returns the answer's status. TLS 1.2 or later, verified; no redirect is followed, no proxy of
/// the environment asked. Throws Error kNetwork if there is no answer within `limits`, or
/// `stopping` became true. Thread-safe.
int post(const Post& post, const std::atomic<bool>& stopping, const CourierLimits& limits = {});

/// How mail goes out.
struct MailRelay {
  enum class Tls : std::uint8_t {
    kStartTls,  ///< or no mail
    kTls,       ///< from the first byte
    kNone,      ///< for a relay on this host
  };
  std::string address;  ///< HOST:PORT
  Tls tls = Tls::kStartTls;
  std::filesystem::path authority = {};  ///< PEM: who alone vouches for it; empty: the system's
  std::string user = {};                 ///< empty: nobody
  std::filesystem::path password = {};   ///< a file that holds it, in its first line
};

/// Whether it is one that nothing but an address can be taken for: no quotes, comments, spaces,
/// line ends; ASCII.
bool is_mail_address(std::string_view text) noexcept;

/// Hands a whole message (RFC 5322, lines ended by CRLF) to the relay, for one recipient. Throws
/// Error kNetwork if it isn't taken, kFile if the password can't be read; kInternal for addresses
/// that aren't any. Thread-safe.
void send_mail(const MailRelay& relay, const std::string& from, const std::string& to,
               const std::string& message, const std::atomic<bool>& stopping,
               const CourierLimits& limits = {});

}  // namespace letterbox::gateway
