#include "gateway/notices/courier.h"

#include <curl/curl.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <memory>

#include "base/error.h"
#include "base/secret.h"
#include "gateway/data_directory.h"
#include "gateway/free.h"

namespace letterbox::gateway {

namespace {

using Handle = std::unique_ptr<CURL, Free<curl_easy_cleanup>>;
using Lines = std::unique_ptr<curl_slist, Free<curl_slist_free_all>>;

// What an answer may hold is counted, and nothing of it kept.
struct Answer {
  std::size_t left;
};

std::size_t forget(char* /*bytes*/, std::size_t size, std::size_t count, void* answer) {
  auto& left = static_cast<Answer*>(answer)->left;
  if (size * count > left) return 0;
  left -= size * count;
  return size * count;
}

int stop_if_told(void* stopping, curl_off_t /*download*/, curl_off_t /*downloaded*/,
                 curl_off_t /*upload*/, curl_off_t /*uploaded*/) {
  return static_cast<const std::atomic<bool>*>(stopping)->load() ? 1 : 0;
}

template <typename Value>
void set(const Handle& handle, CURLoption option, Value value) {
  if (curl_easy_setopt(handle.get(), option, value) != CURLE_OK) {
    throw Error(ErrorCode::kInternal, "libcurl doesn't take an option");
  }
}

Handle make_handle(const char* protocol, const std::atomic<bool>& stopping,
                   const CourierLimits& limits) {
  static const CURLcode ready = [] {
    // A peer that has gone mustn't end the process, whoever of libcurl and OpenSSL writes to it.
    (void)std::signal(SIGPIPE, SIG_IGN);
    return curl_global_init(CURL_GLOBAL_DEFAULT);
  }();
  Handle handle(curl_easy_init());
  if (ready != CURLE_OK || !handle) throw Error(ErrorCode::kInternal, "libcurl can't begin");
  set(handle, CURLOPT_PROTOCOLS_STR, protocol);
  set(handle, CURLOPT_NOSIGNAL, 1L);
  set(handle, CURLOPT_PROXY, "");
  set(handle, CURLOPT_CONNECTTIMEOUT, limits.connect_seconds);
  set(handle, CURLOPT_TIMEOUT, limits.seconds);
  set(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(handle, CURLOPT_SSL_VERIFYPEER, 1L);
  set(handle, CURLOPT_SSL_VERIFYHOST, 2L);
  set(handle, CURLOPT_NOPROGRESS, 0L);
  set(handle, CURLOPT_XFERINFOFUNCTION, stop_if_told);
  set(handle, CURLOPT_XFERINFODATA, const_cast<std::atomic<bool>*>(&stopping));
  return handle;
}

// In place of the system's.
void trust_only(const Handle& handle, const std::string& authority) {
  curl_blob pem{const_cast<char*>(authority.data()), authority.size(), CURL_BLOB_COPY};
  set(handle, CURLOPT_CAINFO_BLOB, &pem);
  set(handle, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
}

struct Message {
  std::string_view left;
};

std::size_t give(char* room, std::size_t size, std::size_t count, void* message) {
  std::string_view& left = static_cast<Message*>(message)->left;
  const std::size_t taken = std::min(size * count, left.size());
  std::memcpy(room, left.data(), taken);
  left.remove_prefix(taken);
  return taken;
}

// The first line of a file, with a NUL behind it.
SecretBytes password_in(const std::filesystem::path& file) {
  Bytes content = read_file(file);
  const auto end = std::ranges::find_if(content, [](Byte c) { return c == '\n' || c == '\r'; });
  SecretBytes password(static_cast<std::size_t>(end - content.begin()) + 1);
  std::copy(content.begin(), end, password.reveal().begin());
  wipe(content);
  return password;
}

Lines lines_of(const std::vector<std::string>& texts) {
  Lines lines;
  for (const std::string& text : texts) {
    curl_slist* const longer = curl_slist_append(lines.get(), text.c_str());
    if (longer == nullptr) throw Error(ErrorCode::kInternal, "libcurl has no memory");
    (void)lines.release();
    lines.reset(longer);
  }
  return lines;
}

}  // namespace

bool is_mail_address(std::string_view text) noexcept {
  constexpr std::size_t kLongest = 254;  // RFC 5321 section 4.5.3.1.3, without its brackets
  const auto is_one_of = [](std::string_view part, std::string_view others) {
    return !part.empty() && std::ranges::all_of(part, [&](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             others.find(c) != std::string_view::npos;
    });
  };
  const auto at = text.find('@');
  return at != std::string_view::npos && text.size() <= kLongest && text.front() != '-' &&
         is_one_of(text.substr(0, at), ".!#$%&'*+-/=?^_`{|}~") &&
         is_one_of(text.substr(at + 1), ".-");
}

void send_mail(const MailRelay& relay, const std::string& from, const std::string& to,
               const std::string& message, const std::atomic<bool>& stopping,
               const CourierLimits& limits) {
  if (!is_mail_address(from) || !is_mail_address(to)) {
    throw Error(ErrorCode::kInternal, "a mail address is none");
  }
  const bool at_once = relay.tls == MailRelay::Tls::kTls;
  const Handle handle = make_handle(at_once ? "smtps" : "smtp", stopping, limits);
  const std::string url = (at_once ? "smtps://" : "smtp://") + relay.address;
  const std::string sender = '<' + from + '>';
  const Lines recipients = lines_of({'<' + to + '>'});
  Message body{message};
  set(handle, CURLOPT_URL, url.c_str());
  set(handle, CURLOPT_USE_SSL,
      static_cast<long>(relay.tls == MailRelay::Tls::kNone ? CURLUSESSL_NONE : CURLUSESSL_ALL));
  if (!relay.authority.empty()) {
    trust_only(handle, std::string(as_text(read_file(relay.authority))));
  }
  if (!relay.user.empty()) {
    const SecretBytes password = password_in(relay.password);
    set(handle, CURLOPT_USERNAME, relay.user.c_str());
    set(handle, CURLOPT_PASSWORD, password.reveal_text().data());
  }
  set(handle, CURLOPT_MAIL_FROM, sender.c_str());
  set(handle, CURLOPT_MAIL_RCPT, recipients.get());
  set(handle, CURLOPT_UPLOAD, 1L);
  set(handle, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(message.size()));
  set(handle, CURLOPT_READFUNCTION, give);
  set(handle, CURLOPT_READDATA, &body);
  const CURLcode outcome = curl_easy_perform(handle.get());
  if (outcome != CURLE_OK) throw Error(ErrorCode::kNetwork, curl_easy_strerror(outcome));
}

int post(const Post& post, const std::atomic<bool>& stopping, const CourierLimits& limits) {
  const Handle handle = make_handle("https", stopping, limits);
  const Lines fields = lines_of(post.fields);
  Answer answer{limits.answer_bytes};
  set(handle, CURLOPT_URL, post.url.c_str());
  set(handle, CURLOPT_PATH_AS_IS, 1L);  // what was signed
  set(handle, CURLOPT_FOLLOWLOCATION, 0L);
  set(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(handle, CURLOPT_HTTPHEADER, fields.get());
  set(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(post.body.size()));
  set(handle, CURLOPT_POSTFIELDS, post.body.data());
  set(handle, CURLOPT_WRITEFUNCTION, forget);
  set(handle, CURLOPT_WRITEDATA, &answer);
  if (!post.authority.empty()) trust_only(handle, post.authority);
  const CURLcode outcome = curl_easy_perform(handle.get());
  long status = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  // One who says too much has said how it went before.
  if (outcome != CURLE_OK && !(outcome == CURLE_WRITE_ERROR && status != 0)) {
    throw Error(ErrorCode::kNetwork, curl_easy_strerror(outcome));
  }
  return static_cast<int>(status);
}

}  // namespace letterbox::gateway
