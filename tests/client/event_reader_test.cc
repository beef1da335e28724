#include "client/event_reader.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/error.h"

namespace letterbox::client {
namespace {

// Gives out `text` in pieces of so many bytes.
class Pieces final : public Source {
 public:
  Pieces(std::string text, std::size_t size) : text_(std::move(text)), size_(size) {}
  ByteView next() override {
    const auto piece = as_bytes(std::string_view(text_).substr(at_, size_));
    at_ += piece.size();
    return piece;
  }

 private:
  std::string text_;
  std::size_t size_;
  std::size_t at_ = 0;
};

constexpr const char* kId = "01890a5d-ac96-774b-bcce-b302099a8057";
constexpr const char* kDelivery = "01890a5d-ac96-774b-bcce-b302099a8058";

std::string json(const std::string& kind = "collected") {
  return std::string(R"({"id":")") + kId + R"(","kind":")" + kind +
         R"(","time":"2026-11-30T08:00:00Z","delivery":")" + kDelivery +
         R"(","recipient":"age1x","later":1})";
}

std::optional<Event> first(const std::string& text, std::size_t size = 7) {
  Pieces pieces(text, size);
  return EventReader(pieces).next();
}

TEST(EventReader, ReadsEventsHoweverTheyAreCut) {
  const std::string text = "retry: 3000\n\n:\n\nid: 1\nevent: x\ndata: " + json() +
                           "\n\n:\r\n\r\n" + "data:" + json("opened") + "\r\n\r\n";
  for (const std::size_t size : {1U, 2U, 1000U}) {
    Pieces pieces(text, size);
    EventReader events(pieces);
    const auto one = events.next();
    ASSERT_TRUE(one);
    EXPECT_EQ(one->id.text(), kId);
    EXPECT_EQ(one->kind, "collected");
    EXPECT_EQ(one->delivery.text(), kDelivery);
    EXPECT_EQ(one->recipient, "age1x");
    EXPECT_EQ(records::to_text(one->time), "2026-11-30T08:00:00Z");
    EXPECT_EQ(events.next()->kind, "opened");
    EXPECT_FALSE(events.next());
  }
}

TEST(EventReader, WhatBreaksOffWithinAnEventIsNone) {
  EXPECT_FALSE(first("data: " + json() + "\n"));
  EXPECT_FALSE(first(""));
}

TEST(EventReader, WhatIsntOursIsRefused) {
  for (const std::string& data : {std::string("x"), std::string("[]"), std::string("{}"),
                                  json("\\u001b[2J"), json(""), json("Collected")}) {
    try {
      first("data: " + data + "\n\n");
      FAIL() << data;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kMalformed) << data;
    }
  }
}

TEST(EventReader, ALineWithoutEndIsntKept) {
  try {
    first("data: " + std::string(100'000, 'x'), 1000);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kTooLarge);
  }
}

}  // namespace
}  // namespace letterbox::client
