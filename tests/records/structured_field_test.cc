#include "records/structured_field.h"

#include <gtest/gtest.h>

#include "tests/records/fixtures.h"

namespace letterbox::records {
namespace {

Dictionary parse(std::string_view text) {
  return parse_dictionary(text, "the field");
}

/// What `text` is in its one form.
std::string form_of(std::string_view text) {
  return to_text(parse(text));
}

void expect_refused(std::string_view text) {
  EXPECT_EQ(thrown_by([&] { parse(text); }), ErrorCode::kMalformed) << text;
}

TEST(StructuredFieldTest, ReadsEachKindOfValue) {
  const Dictionary fields = parse("a=-5, b=\"x\\\"\\\\ y\", c=*t:/%, d=:AQI=:, e=?0, f");
  ASSERT_EQ(fields.size(), 6U);
  const auto value = [&](std::size_t i) { return std::get<Item>(fields[i].value).value; };
  EXPECT_EQ(value(0), BareItem(std::int64_t{-5}));
  EXPECT_EQ(value(1), BareItem(std::string("x\"\\ y")));
  EXPECT_EQ(value(2), BareItem(Token{"*t:/%"}));
  EXPECT_EQ(value(3), BareItem(Bytes{1, 2}));
  EXPECT_EQ(value(4), BareItem(false));
  EXPECT_EQ(value(5), BareItem(true));
  EXPECT_EQ(fields[5].key, "f");
}

TEST(StructuredFieldTest, ReadsInnerListsAndParametersInOrder) {
  const Dictionary fields = parse("sig=(\"a\";sf \"b\" 7);z=1;a=\"x\", n=();q");
  ASSERT_EQ(fields.size(), 2U);
  const auto& list = std::get<InnerList>(fields[0].value);
  ASSERT_EQ(list.items.size(), 3U);
  EXPECT_EQ(list.items[0], (Item{std::string("a"), {{"sf", true}}}));
  EXPECT_EQ(list.items[2], (Item{std::int64_t{7}, {}}));
  EXPECT_EQ(list.parameters, (Parameters{{"z", std::int64_t{1}}, {"a", std::string("x")}}));
  EXPECT_TRUE(std::get<InnerList>(fields[1].value).items.empty());
  EXPECT_EQ(std::get<InnerList>(fields[1].value).parameters, (Parameters{{"q", true}}));
}

TEST(StructuredFieldTest, WritesTheOneForm) {
  EXPECT_EQ(form_of(""), "");
  EXPECT_EQ(form_of("   "), "");
  EXPECT_EQ(form_of("  a=1 \t,\t b=2  "), "a=1, b=2");
  EXPECT_EQ(form_of("a=(  1   2 );  x;  y=?1;z=?0"), "a=(1 2);x;y;z=?0");
  EXPECT_EQ(form_of("a=007, b=-0, c=-000000000000001"), "a=7, b=0, c=-1");
  EXPECT_EQ(form_of("a=?1;x=1, b;y"), "a;x=1, b;y");
  EXPECT_EQ(form_of("*k-_.*9=::"), "*k-_.*9=::");
  EXPECT_EQ(form_of("a=999999999999999, b=-999999999999999"),
            "a=999999999999999, b=-999999999999999");
  EXPECT_EQ(form_of("a=\"\", b=( )"), "a=\"\", b=()");
}

TEST(StructuredFieldTest, RefusesWhatTheRfcRefuses) {
  // Keys.
  for (const char* text : {"A=1", "1=1", "=1", "-a=1", "a b", "a =1", "a= 1", "\"a\"=1"}) {
    expect_refused(text);
  }
  // Commas, and white space where none belongs.
  for (const char* text :
       {",", "a=1,", "a=1, ", ",a=1", "a=1,,b=2", "a=1 b=2", "a=1;", "\ta=1", "a=1\n"}) {
    expect_refused(text);
  }
  // Numbers.
  for (const char* text : {"a=-", "a=+1", "a=--1", "a=1000000000000000", "a=1a", "a=0x1"}) {
    expect_refused(text);
  }
  // Strings.
  for (const char* text : {"a=\"", "a=\"b", "a=\"b\\\"", "a=\"\\b\"", "a=\"\\", "a=\"\n\"",
                           "a=\"\x7f\"", "a=\"\xc3\xbc\"", "a='b'"}) {
    expect_refused(text);
  }
  expect_refused(std::string("a=\"\0\"", 5));
  expect_refused(std::string("a=1\0", 4));
  // Byte sequences and booleans.
  for (const char* text :
       {"a=:", "a=:AQI=", "a=:AQ-_:", "a=:A:", "a=:AQ I=:", "a=?", "a=?2", "a=?true"}) {
    expect_refused(text);
  }
  // Inner lists.
  for (const char* text : {"a=(", "a=(1", "a=(1 2", "a=)", "a=(1,2)", "a=(\"a\"\"b\")", "a=((1))",
                           "a=(1\t2)", "a=(1;)", "a=(1)2"}) {
    expect_refused(text);
  }
  // Parameters.
  for (const char* text : {"a=1;A", "a=1;1", "a=1;x=", "a=1;x=(1)", "a=1;x =1", "a=1 ;x", "a;=1"}) {
    expect_refused(text);
  }
}

TEST(StructuredFieldTest, RefusesWhatTheRfcAllowsAndNoFieldOfOursNeeds) {
  expect_refused("a=1.5");          // decimal
  expect_refused("a=@1659578233");  // date, RFC 9651
  expect_refused("a=%\"x\"");       // display string, RFC 9651
  expect_refused("a=1, b=2, a=1");  // the RFC lets the last one win
  expect_refused("a=1;x=1;x=1");
  expect_refused("a=:AQI:");   // base64 without its padding,
  expect_refused("a=:AQJ=:");  // and with unused bits set
}

TEST(StructuredFieldTest, BoundsLengthAndEntries) {
  const std::string longest = "a=\"" + std::string(kMaxStructuredFieldSize - 4, 'x') + '"';
  EXPECT_NO_THROW(parse(longest));
  expect_refused(longest + " ");

  const auto repeated = [](std::size_t count, const std::string& separator) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
      text += (i > 0 ? separator : "") + "k" + std::to_string(i);
    }
    return text;
  };
  const auto most = kMaxStructuredFieldEntries;
  EXPECT_NO_THROW(parse(repeated(most, ",")));
  expect_refused(repeated(most + 1, ","));
  EXPECT_NO_THROW(parse("a=(" + repeated(most, " ") + ")"));
  expect_refused("a=(" + repeated(most + 1, " ") + ")");
  EXPECT_NO_THROW(parse("a;" + repeated(most, ";")));
  expect_refused("a;" + repeated(most + 1, ";"));
}

TEST(StructuredFieldTest, WritesNothingThatNoReaderTakes) {
  const auto thrown_for = [](const Dictionary& dictionary) {
    return thrown_by([&] { to_text(dictionary); });
  };
  const Item one{std::int64_t{1}, {}};
  EXPECT_EQ(thrown_for({{"A", one}}), ErrorCode::kInternal);
  EXPECT_EQ(thrown_for({{"", one}}), ErrorCode::kInternal);
  EXPECT_EQ(thrown_for({{"a", Item{std::string("\n"), {}}}}), ErrorCode::kInternal);
  EXPECT_EQ(thrown_for({{"a", Item{std::string("\xff"), {}}}}), ErrorCode::kInternal);
  EXPECT_EQ(thrown_for({{"a", Item{Token{"a b"}, {}}}}), ErrorCode::kInternal);
  EXPECT_EQ(thrown_for({{"a", Item{Token{""}, {}}}}), ErrorCode::kInternal);
  EXPECT_EQ(thrown_for({{"a", Item{kMaxStructuredInteger + 1, {}}}}), ErrorCode::kInternal);
  EXPECT_EQ(thrown_for({{"a", Item{true, {{"X", true}}}}}), ErrorCode::kInternal);
}

TEST(StructuredFieldTest, SaysNothingOfTheInputInItsMessages) {
  for (const char* text : {"secret=", "secret, secret", "SECRET", "a=\"secret"}) {
    try {
      parse(text);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find("ecret"), std::string::npos) << error.what();
      EXPECT_EQ(std::string(error.what()).find("the field"), 0U) << error.what();
    }
  }
}

}  // namespace
}  // namespace letterbox::records
