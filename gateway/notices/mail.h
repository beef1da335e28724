// Tells people by mail that there is something new for them, and nothing else.
#pragma once

#include <atomic>
#include <chrono>
#include <string>

#include "gateway/metrics.h"
#include "gateway/notices/courier.h"
#include "gateway/repeated.h"
#include "records/time.h"
#include "storage/store.h"

namespace letterbox::gateway {

struct MailOptions {
  MailRelay relay;
  std::string from;
  std::chrono::seconds pause;  ///< nobody gets two mails within so long
  std::string public_url;
};

/// The message, which is the same for everybody: who wrote, how much and about whom isn't in it.
std::string mail_text(const MailOptions& options, const std::string& to, records::Time now);

/// On a thread of its own for as long as it lives. Whom the relay doesn't take a mail for is
/// written to again later, at growing intervals. Several gateways may do it over one store.
class Mail {
 public:
  /// Store and metrics must outlive this.
  Mail(storage::Store& store, Metrics& metrics, MailOptions options);
  /// Breaks off what is being sent.
  ~Mail() { stopping_ = true; }
  Mail(const Mail&) = delete;
  Mail& operator=(const Mail&) = delete;

 private:
  void send();

  storage::Store& store_;
  Metrics& metrics_;
  const MailOptions options_;
  std::atomic<bool> stopping_ = false;
  bool released_ = false;
  Repeated repeated_;  // ends first: it draws on the rest
};

}  // namespace letterbox::gateway
