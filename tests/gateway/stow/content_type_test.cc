#include "gateway/stow/content_type.h"

#include <gtest/gtest.h>

namespace letterbox::gateway::stow {
namespace {

TEST(ContentType, HasANameAndParameters) {
  const auto type = parse_content_type(
      "Multipart/Related; TYPE=\"application/dicom\" ;boundary=\"a \\\"quoted\\\" one\"; start=x");
  ASSERT_TRUE(type);
  EXPECT_EQ(type->name, "multipart/related");
  EXPECT_EQ(type->parameters.at("type"), "application/dicom");
  EXPECT_EQ(type->parameters.at("boundary"), "a \"quoted\" one");
  EXPECT_EQ(type->parameters.at("start"), "x");
}

TEST(ContentType, TakesWhatShouldHaveBeenQuoted) {
  const auto type =
      parse_content_type("multipart/related;type=application/dicom;boundary=--=_a/b?");
  ASSERT_TRUE(type);
  EXPECT_EQ(type->parameters.at("type"), "application/dicom");
  EXPECT_EQ(type->parameters.at("boundary"), "--=_a/b?");
}

TEST(ContentType, RefusesWhatIsNone) {
  for (const char* field : {"", "multipart", "multipart/", "/related", "a/b;x", "a/b;x=\"open",
                            "a/b, c/d", "a/b;x=1;X=2", "a/b c", "a/b;x=\"1\"2", "a/b;x=1\"2\""}) {
    EXPECT_FALSE(parse_content_type(field)) << field;
  }
}

TEST(Accept, PrefersWhatIsAskedFor) {
  EXPECT_EQ(preferred_form("application/dicom+xml"), Form::kXml);
  EXPECT_EQ(preferred_form("application/dicom+json"), Form::kJson);
  EXPECT_EQ(preferred_form("application/dicom+json;q=0.5, APPLICATION/DICOM+XML"), Form::kXml);
  EXPECT_EQ(preferred_form("application/dicom+xml;q=0.1, application/dicom+json;q=0.09"),
            Form::kXml);
  EXPECT_EQ(preferred_form("application/dicom+xml, */*;q=0.1"), Form::kXml);
  EXPECT_EQ(preferred_form("*/*, application/dicom+json;q=0"), Form::kXml);
  EXPECT_EQ(preferred_form("application/*;q=0.2, application/dicom+json;q=0.1"), Form::kXml);
}

TEST(Accept, SaysJsonWhereItIsAllTheSame) {
  for (const char* accept :
       {"", "*/*", "application/*", "text/html", "application/json", "nonsense",
        "application/dicom+xml;q=", "application/dicom+xml application/x"}) {
    EXPECT_EQ(preferred_form(accept), Form::kJson) << accept;
  }
}

}  // namespace
}  // namespace letterbox::gateway::stow
