#include "gateway/notices/mail.h"

#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/uuid.h"
#include "gateway/notices/pause_after.h"
#include "gateway/transport/http_date.h"

namespace letterbox::gateway {

namespace {

using namespace std::chrono_literals;

constexpr auto kLookEvery = 5s;
// Of a gateway that was killed while it wrote to somebody, others wait so long.
constexpr auto kTurnHeld = 60s;

// RFC 5322 section 3.3.
std::string mail_date(records::Time time) {
  std::string date = transport::http_date(time);
  return date.substr(0, date.rfind(' ')) + " +0000";
}

}  // namespace

std::string mail_text(const MailOptions& options, const std::string& to, records::Time now) {
  const std::string domain = options.from.substr(options.from.find('@') + 1);
  return "From: " + options.from + "\r\nTo: " + to + "\r\nDate: " + mail_date(now) +
         "\r\nMessage-ID: <" + Uuid::v7().text() + '@' + domain +
         ">\r\n"
         "Subject: Your letterbox\r\n"
         "Auto-Submitted: auto-generated\r\n"
         "MIME-Version: 1.0\r\n"
         "Content-Type: text/plain; charset=us-ascii\r\n"
         "\r\n"
         "There is something new in your letterbox, or something that you sent ends soon.\r\n"
         "Look with your letterbox program. The gateway is " +
         options.public_url +
         "\r\n"
         "\r\n"
         "This mail says no more on purpose.\r\n";
}

Mail::Mail(storage::Store& store, Metrics& metrics, MailOptions options)
    : store_(store),
      metrics_(metrics),
      options_(std::move(options)),
      repeated_(kLookEvery, "mail not sent; tried again", [this] { send(); }) {}

void Mail::send() {
  storage::MailStore& mail = store_.mail();
  if (!released_) mail.release();
  released_ = true;
  while (!stopping_) {
    const auto now = records::now();
    const auto turn = mail.take(now, now + kTurnHeld);
    if (!turn) return;
    try {
      send_mail(options_.relay, options_.from, turn->address,
                mail_text(options_, turn->address, now), stopping_);
    } catch (const Error& error) {
      mail.in_vain(*turn, records::now() + pause_after(turn->failures));
      if (stopping_) return;
      metrics_.told("mail", false);
      // The relay may be away for days: told once for each.
      if (turn->failures == 0) {
        log::error("mail isn't taken; tried again", error, {{"principal", turn->principal.text()}});
      }
      return;  // most likely it takes nobody's now
    }
    mail.told(*turn, records::now() + options_.pause);
    metrics_.told("mail", true);
  }
}

}  // namespace letterbox::gateway
