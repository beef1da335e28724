// What goes out: a webhook's request and a mail, looked at before they go.
#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "crypto/hash.h"
#include "gateway/notices/mail.h"
#include "gateway/notices/notice_json.h"
#include "gateway/notices/pause_after.h"
#include "gateway/notices/webhooks.h"
#include "records/content_digest.h"
#include "records/http_signature.h"

namespace letterbox::gateway {
namespace {

using namespace std::chrono_literals;
using storage::Notice;
using storage::NoticeKind;

const Notice kNotice{7, Uuid::v7(), NoticeKind::kCollected, records::now(), Uuid::v7(), "age1x"};

std::string value_of(const Post& post, const std::string& name) {
  for (const std::string& line : post.fields) {
    if (line.starts_with(name + ": ")) return line.substr(name.size() + 2);
  }
  return {};
}

TEST(NoticeJson, HasIdsAKindAndATimeAndNothingElse) {
  const auto json = nlohmann::json::parse(notice_json(kNotice));
  EXPECT_EQ(json.size(), 5u);
  EXPECT_EQ(json["id"], kNotice.id.text());
  EXPECT_EQ(json["kind"], "collected");
  EXPECT_EQ(json["time"], records::to_text(kNotice.at));
  EXPECT_EQ(json["delivery"], kNotice.delivery.text());
  EXPECT_EQ(json["recipient"], "age1x");
  Notice of_nobody = kNotice;
  of_nobody.recipient.reset();
  EXPECT_FALSE(nlohmann::json::parse(notice_json(of_nobody)).contains("recipient"));
}

TEST(WebhookPost, IsARequestThatTheGatewaySigned) {
  const auto key = crypto::SigningKey::generate();
  const Post post = webhook_post({"https://Receiver.example:443/a?b=c", "PEM"}, kNotice, key);
  EXPECT_EQ(post.url, "https://receiver.example/a?b=c");
  EXPECT_EQ(post.authority, "PEM");
  EXPECT_EQ(value_of(post, "Content-Digest"),
            records::content_digest(crypto::sha256(as_bytes(post.body))));
  const auto signature = records::parse_request_signature(value_of(post, "Signature-Input"),
                                                          value_of(post, "Signature"));
  EXPECT_EQ(signature.key_id, key.verify_key().fingerprint());
  EXPECT_FALSE(records::find_fault(signature, true, records::now()));
  const auto lines = [&](std::string_view name) {
    return std::vector{name == "content-type" ? value_of(post, "Content-Type")
                                              : value_of(post, "Content-Digest")};
  };
  records::verify_request(signature, {"POST", post.url, lines}, key.verify_key());
}

TEST(PauseAfter, GrowsUpToAQuarterOfAnHour) {
  EXPECT_EQ(pause_after(0), 1s);
  EXPECT_EQ(pause_after(1), 2s);
  EXPECT_EQ(pause_after(9), 512s);
  EXPECT_EQ(pause_after(10), 15min);
  EXPECT_EQ(pause_after(1'000'000), 15min);
}

TEST(MailAddress, IsPlainOrNone) {
  for (const char* good : {"a@b", "a.b+c@mail.example", "o'neil@x-y.example", "1@2"}) {
    EXPECT_TRUE(is_mail_address(good)) << good;
  }
  for (const char* bad :
       {"", "a", "@", "a@", "@b", "a@b@c", "a b@c", "a@b c", "a@b\r\nBcc: c@d", "a@b\n", "<a@b>",
        "a@b,c@d", "\"a\"@b", "a@[127.0.0.1]", "-oX@b", "\xc3\xa4@b", "a@b>"}) {
    EXPECT_FALSE(is_mail_address(bad)) << bad;
  }
  EXPECT_FALSE(is_mail_address(std::string("a\0@b", 4)));
  EXPECT_FALSE(is_mail_address("a@" + std::string(300, 'b')));
}

TEST(MailText, IsTheSameForEverybodyButForWhomItIs) {
  const MailOptions options{{}, "box@hospital.example", 600s, "https://letters.example"};
  const std::string text = mail_text(options, "alice@mail.example", records::Time(0s));
  EXPECT_THAT(text, ::testing::StartsWith("From: box@hospital.example\r\nTo: alice@mail.example\r\n"
                                          "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n"));
  EXPECT_THAT(text, ::testing::HasSubstr("https://letters.example\r\n"));
  // Lines end as RFC 5322 has it, and are short.
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = text.find("\r\n", begin);
    ASSERT_NE(end, std::string::npos);
    const std::string line = text.substr(begin, end - begin);
    EXPECT_LT(line.size(), 100u);
    EXPECT_TRUE(std::ranges::none_of(line, [](char c) { return c == '\r' || c == '\n'; }));
    begin = end + 2;
  }
}

}  // namespace
}  // namespace letterbox::gateway
