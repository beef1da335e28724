#include "gateway/routes/problem.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

namespace letterbox::gateway {
namespace {

std::vector<ErrorCode> all_codes() {
  std::vector<ErrorCode> codes;
  for (int i = 0; i <= static_cast<int>(ErrorCode::kInternal); ++i) {
    codes.push_back(static_cast<ErrorCode>(i));
  }
  return codes;
}

// "UnknownRecipient" -> "/problems/unknown-recipient"
std::string type_for(const char* name) {
  std::string type = "/problems/";
  for (const char* c = name; *c != '\0'; ++c) {
    if (std::isupper(static_cast<unsigned char>(*c)) != 0) {
      if (c != name) type += '-';
      type += static_cast<char>(std::tolower(static_cast<unsigned char>(*c)));
    } else {
      type += *c;
    }
  }
  return type;
}

TEST(Problem, EveryCodeHasATextAndAnErrorStatus) {
  for (const ErrorCode code : all_codes()) {
    const Problem problem = problem_of(code);
    EXPECT_GE(problem.status, 400) << to_string(code);
    EXPECT_LT(problem.status, 600) << to_string(code);
    EXPECT_GT(std::string(problem.detail).size(), 10U) << to_string(code);
  }
}

TEST(Problem, TheTypeIsTheCodesName) {
  for (const ErrorCode code : all_codes()) {
    const Problem problem = problem_of(code);
    // What concerns the gateway alone is one and the same to a client.
    const char* const name = problem.status == 500 ? "Internal" : to_string(code);
    EXPECT_EQ(problem.type, type_for(name));
  }
}

TEST(Problem, IsAnRfc9457Document) {
  const auto json = nlohmann::json::parse(to_json(problem_of(ErrorCode::kNotFound)));
  EXPECT_EQ(json.at("type"), "/problems/not-found");
  EXPECT_EQ(json.at("status"), 404);
  EXPECT_TRUE(json.at("title").is_string());
  EXPECT_TRUE(json.at("detail").is_string());
}

}  // namespace
}  // namespace letterbox::gateway
