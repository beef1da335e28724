#include "client/answers.h"

#include "client/problem.h"
#include "client/terminal.h"
#include "tests/client/fixtures.h"

namespace letterbox::client {
namespace {

constexpr const char* kId = "01997d3c-59ff-7000-8000-000000000001";
const std::string kDigest = std::string(43, 'A') + "=";

TEST(Answers, AStoredFileIsRead) {
  const StoredAnswer stored =
      parse_stored_answer(R"({"file":")" + std::string(kId) + R"(","length":1234,"sha256":")" +
                          kDigest + R"(","something":"newer"})");
  EXPECT_EQ(stored.file.text(), kId);
  EXPECT_EQ(stored.length, 1234U);
  EXPECT_EQ(stored.sha256, Digest{});
}

TEST(Answers, InAnotherFormAreRefused) {
  const std::string id = kId;
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("{"), std::string("\xFF"),
        R"({"file":"x","length":1,"sha256":")" + kDigest + "\"}",
        R"({"file":")" + id + R"(","length":-1,"sha256":")" + kDigest + "\"}",
        R"({"file":")" + id + R"(","length":1.5,"sha256":")" + kDigest + "\"}",
        R"({"file":")" + id + R"(","length":1,"sha256":"AAAA"})",
        R"({"file":")" + id + R"(","length":1})"}) {
    EXPECT_EQ(thrown_by([&] { parse_stored_answer(text); }), ErrorCode::kMalformed) << text;
    EXPECT_EQ(thrown_by([&] { parse_draft_answer(text); }), ErrorCode::kMalformed) << text;
    EXPECT_EQ(thrown_by([&] { parse_sealed_answer(text); }), ErrorCode::kMalformed) << text;
    EXPECT_EQ(thrown_by([&] { parse_delivery_answer(text); }), ErrorCode::kMalformed) << text;
    EXPECT_EQ(thrown_by([&] { parse_inbox_answer(text); }), ErrorCode::kMalformed) << text;
  }
}

TEST(Answers, AnUnreadableDeliveryDoesNotHideTheOthersOfAPage) {
  const InboxAnswer inbox = parse_inbox_answer(
      R"({"deliveries":[{"delivery":")" + std::string(kId) + R"("},7],"next":")" + kId + R"("})");
  ASSERT_EQ(inbox.deliveries.size(), 2U);
  EXPECT_EQ(delivery_id_of(inbox.deliveries[0])->text(), kId);
  EXPECT_FALSE(delivery_id_of(inbox.deliveries[1]));
  EXPECT_EQ(inbox.next->text(), kId);
  EXPECT_FALSE(parse_inbox_answer(R"({"deliveries":[],"next":null})").next);
}

TEST(Answers, WhatBecameOfADeliveryIsRead) {
  const Device bob("bob@clinic.example");
  const std::string key = bob.identity.recipient().text();
  const std::string envelope = records::to_json(bob.envelope());
  const std::string text =
      R"({"delivery":")" + std::string(kId) +
      R"(","state":"revoked","created":"2026-11-24T00:00:00Z","expires":"2026-12-24T00:00:00Z",)"
      R"("downloads":10,"files":2,"bytes":1234,"covers":[)" +
      envelope + R"(],"manifest":null,"deleted":)" + envelope +
      R"(,"devices":[{"handle":"bob@clinic.example","recipient":")" + key +
      R"(","collected":"2026-11-25T00:00:00Z","opened":null,"listed":true}]})";
  const SentAnswer sent = parse_sent_answer(text);
  EXPECT_EQ(sent.delivery.text(), kId);
  EXPECT_EQ(sent.state, SentState::kRevoked);
  EXPECT_EQ(sent.files, 2U);
  EXPECT_EQ(sent.bytes, 1234U);
  EXPECT_EQ(sent.covers.size(), 1U);
  EXPECT_FALSE(sent.manifest);
  EXPECT_TRUE(sent.deleted);
  ASSERT_EQ(sent.devices.size(), 1U);
  EXPECT_EQ(sent.devices[0].recipient, bob.identity.recipient());
  EXPECT_TRUE(sent.devices[0].collected);
  EXPECT_FALSE(sent.devices[0].opened);
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"revoked", "gone"},
                                                        {"\"files\":2", "\"files\":-2"},
                                                        {"bob@", "bob"},
                                                        {"age1", "age2"},
                                                        {R"("2026-11-25T00:00:00Z")", "7"},
                                                        {R"("devices":[)", R"("devices":[7,)"}}) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    EXPECT_EQ(thrown_by([&] { parse_sent_answer(changed); }), ErrorCode::kMalformed) << changed;
  }
}

TEST(Answers, AFilesLinkNamesItsDelivery) {
  const std::string id = kId;
  EXPECT_EQ(delivery_of_link("</v1/deliveries/" + id + ">; rel=\"collection\"")->text(), id);
  for (const std::string& link :
       {std::string(), "</v1/deliveries/" + id + ">", "</v1/files/" + id + ">; rel=\"collection\"",
        std::string("</v1/deliveries/x>; rel=\"collection\""),
        std::string("</v1/deliveries/>; rel=\"collection\"")})
    EXPECT_FALSE(delivery_of_link(link)) << link;
}

TEST(Answers, AHistoryIsInTheOrderGivenAndOfWhomWasAskedFor) {
  const Device ada("ada@clinic.example");
  const std::string record = records::to_json(ada.envelope());
  const std::string text = R"({"handle":"ada@clinic.example","records":[{"accepted":)"
                           R"("2026-11-24T00:00:00Z","record":)" +
                           record + "}]}";
  const HistoryAnswer history = parse_history_answer(text, ada.handle);
  ASSERT_EQ(history.entries.size(), 1U);
  EXPECT_EQ(records::to_text(history.entries[0].accepted), "2026-11-24T00:00:00Z");
  EXPECT_EQ(history.entries[0].record.payload, ada.envelope().payload);
  EXPECT_EQ(
      thrown_by([&] { parse_history_answer(text, *records::Handle::parse("bob@clinic.example")); }),
      ErrorCode::kMalformed);
  for (const std::string& entry :
       {std::string("7"), std::string("{}"), R"({"accepted":"now","record":)" + record + "}",
        std::string(R"({"accepted":"2026-11-24T00:00:00Z","record":{}})")})
    EXPECT_EQ(thrown_by([&] {
                parse_history_answer(R"({"handle":"ada@clinic.example","records":[)" + entry + "]}",
                                     ada.handle);
              }),
              ErrorCode::kMalformed)
        << entry;
}

TEST(Answers, AnEnrolledDeviceIsInOneOfItsStates) {
  EXPECT_EQ(parse_enrolled_answer(R"({"state":"active","waits_until":null})").state,
            records::DeviceState::kActive);
  const auto waiting =
      parse_enrolled_answer(R"({"state":"waiting","waits_until":"2026-11-25T00:00:00Z"})");
  EXPECT_EQ(waiting.state, records::DeviceState::kWaiting);
  EXPECT_EQ(records::to_text(*waiting.waits_until), "2026-11-25T00:00:00Z");
  for (const char* text : {"{}", R"({"state":"active"})", R"({"state":"x","waits_until":null})",
                           R"({"state":"waiting","waits_until":1})"})
    EXPECT_EQ(thrown_by([&] { parse_enrolled_answer(text); }), ErrorCode::kMalformed) << text;
}

TEST(Answers, AnInvitationIsItsToken) {
  const std::string token(43, 'x');
  EXPECT_EQ(parse_invitation_answer("{\"invitation\":\"" + token + "\"}").reveal_text(), token);
  EXPECT_EQ(thrown_by([&] { parse_invitation_answer("{\"invitation\":\"" + token + "x\"}"); }),
            ErrorCode::kMalformed);
}

TEST(ProblemAnswers, SayHowFarOffTheClockIs) {
  const auto now = *records::parse_time("2026-11-24T12:00:00Z");
  const auto difference = [&](const char* date) {
    return clock_difference(date, now).value_or("").substr(0, 44);
  };
  EXPECT_EQ(difference("Tue, 24 Nov 2026 12:10:00 GMT"),
            "this device's clock is 10 minutes behind the");
  EXPECT_EQ(difference("Tue, 24 Nov 2026 11:59:59 GMT"),
            "this device's clock is 1 second ahead of the");
  EXPECT_EQ(difference("Sat, 24 Nov 2029 12:00:00 GMT"),
            "this device's clock is 1096 days behind the ");
  for (const char* date : {"", "yesterday", "Tue, 24 Nov 2026 12:10:00 GMT and more",
                           "Tue, 24 Nov 2026 12:10:00 +0100"})
    EXPECT_FALSE(clock_difference(date, now)) << date;

  const Error skew =
      problem_error(401, R"({"type":"/problems/clock-skew"})", "Thu, 01 Jan 2015 00:00:00 GMT");
  EXPECT_EQ(skew.code(), ErrorCode::kClockSkew);
  EXPECT_NE(std::string(skew.what()).find("days ahead of the gateway's"), std::string::npos);
}

TEST(ProblemAnswers, BecomeTheErrorThatTheyName) {
  const auto code = [](unsigned status, const std::string& type) {
    return problem_error(status, R"({"type":")" + type + "\"}").code();
  };
  EXPECT_EQ(code(422, "/problems/unknown-recipient"), ErrorCode::kUnknownRecipient);
  EXPECT_EQ(code(413, "/problems/too-large"), ErrorCode::kTooLarge);
  EXPECT_EQ(code(415, "/problems/unsupported-media-type"), ErrorCode::kUnsupportedMediaType);
  EXPECT_EQ(code(409, "/problems/conflict"), ErrorCode::kConflict);
  EXPECT_EQ(code(404, "/problems/conflict"), ErrorCode::kNotFound);
  EXPECT_EQ(code(403, "/problems/bad-signature"), ErrorCode::kNotAllowed);
  EXPECT_EQ(code(403, "/problems/download-limit-reached"), ErrorCode::kDownloadLimitReached);
  EXPECT_EQ(code(412, "/problems/precondition-failed"), ErrorCode::kPreconditionFailed);
  EXPECT_EQ(code(507, "/problems/quota-exceeded"), ErrorCode::kQuotaExceeded);
  EXPECT_EQ(code(507, "about:blank"), ErrorCode::kStorageFull);
  EXPECT_EQ(code(401, "about:blank"), ErrorCode::kUnauthenticated);
  EXPECT_EQ(code(401, "/problems/unauthenticated"), ErrorCode::kUnauthenticated);
  EXPECT_EQ(code(429, "/problems/too-many-requests"), ErrorCode::kTooManyRequests);
  EXPECT_EQ(code(503, "/problems/unavailable"), ErrorCode::kUnavailable);
  EXPECT_EQ(code(400, "/problems/of-tomorrow"), ErrorCode::kInternal);
}

TEST(ProblemAnswers, OfStrangersAreSurvived) {
  EXPECT_EQ(problem_error(502, "<html>").code(), ErrorCode::kUnavailable);
  EXPECT_EQ(problem_error(400, "").code(), ErrorCode::kInternal);
  EXPECT_EQ(problem_error(302, "[1]").code(), ErrorCode::kInternal);
}

TEST(ProblemAnswers, CanNotWriteToTheTerminal) {
  const std::string message =
      problem_error(400, R"({"title":"a\u001b[2J\u009bb\nc","detail":7})").what();
  EXPECT_EQ(message.find_first_of("\033\n"), std::string::npos);
  EXPECT_EQ(message, printable(message));
  EXPECT_LT(problem_error(400, "{\"title\":\"" + std::string(100'000, 'x') + "\"}").what() +
                std::string(),
            std::string(1000, 'z'));
}

}  // namespace
}  // namespace letterbox::client
