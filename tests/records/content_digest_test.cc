#include "records/content_digest.h"

#include <gtest/gtest.h>

#include "tests/records/fixtures.h"

namespace letterbox::records {
namespace {

// RFC 9530 appendix B.1: a body and its digest.
constexpr std::string_view kBody = "{\"hello\": \"world\"}\n";
constexpr std::string_view kField = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";

TEST(ContentDigestTest, IsTheRfcsForItsExample) {
  const Digest digest = crypto::sha256(as_bytes(kBody));
  EXPECT_EQ(content_digest(digest), kField);
  EXPECT_EQ(parse_content_digest(kField), digest);
}

TEST(ContentDigestTest, IgnoresOtherAlgorithmsBesideIt) {
  const Digest digest = crypto::sha256(as_bytes(kBody));
  const std::string field(kField);
  EXPECT_EQ(parse_content_digest("sha-512=:AAAA:, " + field), digest);
  EXPECT_EQ(parse_content_digest(field + ",md5=:AAAA:,unknown=(1 2)"), digest);
}

TEST(ContentDigestTest, RefusesAFieldWithoutOneSha256) {
  const std::string field(kField);
  for (const std::string& refused :
       {std::string(), std::string("sha-512=:AAAA:"), std::string("sha-256"),
        std::string("sha-256=:AAAA:"), std::string("sha-256=::"), with(field, "sha", "SHA"),
        with(field, "=:", "=\""), field + ";x", field + ", " + field, field + ",",
        with(field, "=:RK", "=(:RK") + ")", with(field, "g=:", "h=:")}) {
    EXPECT_EQ(thrown_by([&] { parse_content_digest(refused); }), ErrorCode::kMalformed) << refused;
  }
}

TEST(DigestingSourceTest, PassesTheAnnouncedBodyOnToItsEnd) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, kBody.size()}) {
    ViewSource body(as_bytes(kBody), piece);
    DigestingSource checked(body, parse_content_digest(kField));
    EXPECT_EQ(as_text(read_all(checked, 100)), kBody);
    EXPECT_TRUE(checked.next().empty());
  }
  ViewSource empty({});
  DigestingSource checked(empty, crypto::sha256({}));
  EXPECT_TRUE(checked.next().empty());
}

// Case 121 of the hostile inputs, as far as it concerns this room.
TEST(DigestingSourceTest, DoesntLetAnotherBodyEnd) {
  const std::string text(kBody);
  for (const std::string& other :
       {with(text, "w", "W"), text + "x", text.substr(0, text.size() - 1), std::string()}) {
    ViewSource body(as_bytes(other), 7);
    DigestingSource checked(body, parse_content_digest(kField));
    EXPECT_EQ(thrown_by([&] { read_all(checked, 100); }), ErrorCode::kIntegrity) << other;
    // A caller who tries again doesn't get an end either.
    EXPECT_EQ(thrown_by([&] { checked.next(); }), ErrorCode::kIntegrity) << other;
  }
}

TEST(DigestingSourceTest, PassesOnWhatTheBodyThrows) {
  class Broken final : public Source {
   public:
    ByteView next() override { throw Error(ErrorCode::kTruncatedBody, "cut"); }
  } body;
  DigestingSource checked(body, crypto::sha256({}));
  EXPECT_EQ(thrown_by([&] { checked.next(); }), ErrorCode::kTruncatedBody);
}

}  // namespace
}  // namespace letterbox::records
