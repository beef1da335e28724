#include "gateway/audit/syslog.h"

#include <gtest/gtest.h>

namespace letterbox::gateway::audit {
namespace {

using namespace std::chrono_literals;

storage::AuditRecord record(storage::AuditOutcome outcome) {
  return {Uuid::v7(),
          std::chrono::sys_days(2026y / 11 / 24) + 17h + 30min,
          {.kind = storage::AuditKind::kLogin, .outcome = outcome}};
}

TEST(SyslogTest, AFrameIsItsLengthInOctetsAndAMessageOfRfc5424) {
  EXPECT_EQ(syslog_frame(record(storage::AuditOutcome::kSuccess), "gateway.example", "<Ü/>"),
            "80 <85>1 2026-11-24T17:30:00Z gateway.example letterboxd - DICOM+RFC3881 - "
            "\xEF\xBB\xBF<Ü/>");
}

TEST(SyslogTest, AFailureIsAWarning) {
  EXPECT_TRUE(syslog_frame(record(storage::AuditOutcome::kFailure), "-", "")
                  .starts_with("61 <84>1 2026-11-24T17:30:00Z - letterboxd"));
}

TEST(SyslogTest, TheHostnameIsOneTokenOfTheHeader) {
  const std::string name = syslog_hostname();
  EXPECT_FALSE(name.empty());
  EXPECT_EQ(name.find(' '), std::string::npos);
}

}  // namespace
}  // namespace letterbox::gateway::audit
