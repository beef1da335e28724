#include "gateway/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <set>

#include "base/error.h"
#include "gateway/configure.h"
#include "gateway/data_directory.h"
#include "gateway/settings.h"

namespace letterbox::gateway {
namespace {

TEST(ListenAddress, IsAHostAndAPort) {
  const ListenAddress v4 = parse_listen_address("127.0.0.1:8443");
  EXPECT_EQ(v4.host, "127.0.0.1");
  EXPECT_EQ(v4.port, 8443);
  EXPECT_EQ(v4.url(v4.port), "https://127.0.0.1:8443");
  EXPECT_EQ(parse_listen_address("localhost:0").url(1234), "https://127.0.0.1:1234");
  EXPECT_EQ(parse_listen_address("[::1]:443").url(443), "https://[::1]:443");
}

TEST(ListenAddress, TakesAllOfLoopback) {
  EXPECT_NO_THROW(parse_listen_address("127.8.9.10:1"));
}

TEST(ListenAddress, MayBeWhatOthersCanReach) {
  EXPECT_EQ(parse_listen_address("0.0.0.0:8443").host, "0.0.0.0");
  EXPECT_EQ(parse_listen_address("192.0.2.7:8443").text(), "192.0.2.7:8443");
  EXPECT_EQ(parse_listen_address("[2001:db8::1]:8443").url(1), "https://[2001:db8::1]:1");
}

TEST(ListenAddress, IsReachedFromItsHostByLoopbackWhereItIsEveryAddress) {
  EXPECT_EQ(parse_listen_address("0.0.0.0:0").url_from_here(5), "https://127.0.0.1:5");
  EXPECT_EQ(parse_listen_address("[::]:0").url_from_here(5), "https://[::1]:5");
  EXPECT_EQ(parse_listen_address("192.0.2.7:0").url_from_here(5), "https://192.0.2.7:5");
}

TEST(LoopbackAddress, RefusesWhatOthersCanReachAndSaysWhy) {
  EXPECT_EQ(parse_loopback_address("127.8.9.10:1").host, "127.8.9.10");
  for (const char* text : {"0.0.0.0:8443", "192.0.2.7:8443", "[::]:8443", "[2001:db8::1]:8443",
                           "[::ffff:127.0.0.1]:8443"}) {
    try {
      parse_loopback_address(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kConfiguration);
      EXPECT_NE(std::string(error.what()).find("loopback"), std::string::npos) << error.what();
    }
  }
}

TEST(ListenAddress, RefusesWhatIsNone) {
  for (const char* text : {"", "8443", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                           "127.0.0.1:-1", "hospital.example:8443", ":8443", "127.1:80"}) {
    EXPECT_THROW(parse_listen_address(text), Error) << text;
  }
}

using testing::AllOf;
using testing::HasSubstr;

// A settings file, and variables, for as long as a test lasts.
class Settings : public testing::Test {
 protected:
  ~Settings() override {
    for (const std::string& name : variables_) unsetenv(name.c_str());
    std::filesystem::remove(file_);
  }

  void write(const std::string& toml) { write_file(file_, as_bytes(toml), 0600); }

  void set_variable(const std::string& name, const std::string& value) {
    setenv(name.c_str(), value.c_str(), 1);
    variables_.insert(name);
  }

  Configuration read(const std::map<std::string, std::string>& flags = {{"data", "/data"}}) {
    return configure(std::filesystem::exists(file_) ? file_ : "", flags);
  }

  // What is said of settings that are refused; empty if they aren't.
  std::string refusal(const std::map<std::string, std::string>& flags = {{"data", "/data"}}) {
    try {
      read(flags);
      return "";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kConfiguration);
      return error.what();
    }
  }

  const std::string file_ = testing::TempDir() + "settings_" + std::to_string(getpid()) + ".toml";

 private:
  std::set<std::string> variables_;
};

TEST_F(Settings, HaveDefaults) {
  const Configuration read_ = read();
  EXPECT_EQ(read_.config.listen.text(), "127.0.0.1:8443");
  EXPECT_EQ(read_.config.limits.workers, 32u);
  EXPECT_EQ(read_.config.limits.body_memory, 128u << 20);
  EXPECT_EQ(read_.config.limits.drain.count(), 30);
  EXPECT_FALSE(read_.config.metrics_listen);
  EXPECT_EQ(read_.config.tenant, "localhost");
  EXPECT_EQ(read_.config.public_url, "");
  EXPECT_FALSE(read_.config.machine_tokens);
  EXPECT_EQ(read_.config.rates.principal, 500u);
  EXPECT_EQ(read_.config.rates.peer, 1000u);
  EXPECT_EQ(read_.config.rates.failures, 20u);
  EXPECT_EQ(read_.origins, (std::map<std::string, std::string>{{"data", "--data"}}));
}

TEST_F(Settings, AFlagGoesBeforeAVariableAndThatBeforeTheFile) {
  write("data = '/from/file'\n[limits]\nworkers = 20\npeer_workers = 3\nrequests = 200\n");
  set_variable("LETTERBOX_LIMITS_WORKERS", "21");
  set_variable("LETTERBOX_LIMITS_REQUESTS", "201");
  const Configuration read_ = read({{"limits.requests", "202"}});
  EXPECT_EQ(read_.config.data, "/from/file");
  EXPECT_EQ(read_.config.limits.peer_workers, 3u);
  EXPECT_EQ(read_.config.limits.workers, 21u);
  EXPECT_EQ(read_.config.limits.requests, 202u);
  EXPECT_EQ(read_.origins.at("data"), file_ + " line 1");
  EXPECT_EQ(read_.origins.at("limits.peer_workers"), file_ + " line 4");
  EXPECT_EQ(read_.origins.at("limits.workers"), "LETTERBOX_LIMITS_WORKERS");
  EXPECT_EQ(read_.origins.at("limits.requests"), "--limits-requests");
  EXPECT_FALSE(read_.origins.contains("limits.connections"));
}

TEST_F(Settings, TheFileMayBeNamedByAVariable) {
  write("log.format = 'json'\n");
  set_variable("LETTERBOX_CONFIG", file_);
  EXPECT_EQ(configure("", {{"data", "/data"}}).config.log_format, log::Format::kJson);
}

TEST_F(Settings, AnEmptyVariableIsNone) {
  set_variable("LETTERBOX_MACHINE_LISTEN", "");
  EXPECT_FALSE(read().config.machine_listen);
}

TEST_F(Settings, EveryOneCanBeGivenInEachWay) {
  Config defaults;
  for (const Setting& setting : settings_of(defaults)) {
    SCOPED_TRACE(setting.key);
    if (setting.key == "data") continue;
    const std::string value = setting.field.get();
    if (value.empty()) continue;
    const Notation notation = setting.field.notation;
    const bool bare = notation == Notation::kInteger || notation == Notation::kBoolean;
    write(setting.key + " = " + (bare ? value : '"' + value + '"') + '\n');
    EXPECT_EQ(read().origins.at(setting.key), file_ + " line 1");
    set_variable(setting.variable(), value);
    EXPECT_EQ(read().origins.at(setting.key), setting.variable());
    unsetenv(setting.variable().c_str());
    EXPECT_EQ(read({{"data", "/data"}, {setting.key, value}}).origins.at(setting.key),
              setting.flag());
  }
}

TEST_F(Settings, HaveNamesThatFollowFromTheKey) {
  Config config;
  const std::vector<Setting> all = settings_of(config);
  std::set<std::string> flags;
  for (const Setting& setting : all) flags.insert(setting.flag());
  EXPECT_EQ(flags.size(), all.size());
  const Setting& memory = *std::find_if(all.begin(), all.end(), [](const Setting& setting) {
    return setting.key == "limits.body_memory";
  });
  EXPECT_EQ(memory.flag(), "--limits-body-memory");
  EXPECT_EQ(memory.variable(), "LETTERBOX_LIMITS_BODY_MEMORY");
}

TEST_F(Settings, SizesHaveUnits) {
  const std::map<std::string, std::uint64_t> sizes = {
      {"2097152", 2u << 20}, {"'2097152'", 2u << 20}, {"'2048 KiB'", 2u << 20},
      {"'2MiB'", 2u << 20},  {"'1 GiB'", 1u << 30},   {"'1 TiB'", 1ULL << 40}};
  for (const auto& [text, bytes] : sizes) {
    write("[limits]\nbody_memory = " + text + "\n");
    EXPECT_EQ(read().config.limits.body_memory, bytes) << text;
  }
  for (const char* text : {"'2 MB'", "'MiB'", "'-1 MiB'", "'2  MiB'", "'2 MiB '", "''", "'1.5 GiB'",
                           "'99999999999999999999 KiB'", "'18446744073709551615 TiB'"}) {
    write("[limits]\nbody_memory = " + std::string(text) + "\n");
    EXPECT_THAT(refusal(), AllOf(HasSubstr("limits.body_memory"), HasSubstr("1 MiB to 1 TiB")))
        << text;
  }
}

TEST_F(Settings, APublicUrlIsSchemeAndHostInTheirOneForm) {
  const std::map<std::string, std::string> urls = {
      {"https://127.0.0.1", "https://127.0.0.1"},
      {"HTTPS://LocalHost:443/", "https://localhost"},
      {"https://[::1]:8443", "https://[::1]:8443"},
  };
  for (const auto& [text, expected] : urls) {
    write("public_url = '" + text + "'\n");
    EXPECT_EQ(read().config.public_url, expected);
  }
  for (const char* text :
       {"127.0.0.1:8443", "http://localhost", "https://localhost/letterbox", "https://localhost?x",
        "https://localhost#x", "https://me@localhost", "https://", "https:// localhost"}) {
    write("public_url = '" + std::string(text) + "'\n");
    EXPECT_THAT(refusal(), HasSubstr("line 1: public_url: must be https://HOST")) << text;
  }
}

TEST_F(Settings, ATenantIsWhatHandlesEndIn) {
  write("tenant = 'hospital.example'\n");
  EXPECT_EQ(read().config.tenant, "hospital.example");
  for (const char* text : {"", "Hospital", ".gateway", "a@b", "a b", "hospital."}) {
    write("tenant = '" + std::string(text) + "'\n");
    EXPECT_THAT(refusal(), HasSubstr("line 1: tenant: must be")) << text;
  }
}

TEST_F(Settings, ABooleanIsTrueOrFalse) {
  write("machine.tokens = true\n");
  EXPECT_TRUE(read().config.machine_tokens);
  EXPECT_FALSE(read({{"data", "/data"}, {"machine.tokens", "false"}}).config.machine_tokens);
  EXPECT_THAT(refusal({{"data", "/data"}, {"machine.tokens", "yes"}}), HasSubstr("true or false"));
  set_variable("LETTERBOX_MACHINE_TOKENS", "1");
  EXPECT_THAT(refusal(), HasSubstr("true or false"));
}

TEST_F(Settings, AnUnknownKeyIsRefusedByFileLineAndName) {
  write("\n[limits]\nwrokers = 3\n");
  EXPECT_EQ(refusal(), file_ + " line 3: there is no setting limits.wrokers");
  write("[limit]\nworkers = 3\n");
  EXPECT_EQ(refusal(), file_ + " line 1: there is no setting limit");
  write("[listen]\n");
  EXPECT_THAT(refusal(), HasSubstr("line 1"));
  write("");
  EXPECT_THAT(refusal({{"data", "/data"}, {"nonsense", "1"}}), HasSubstr("nonsense"));
}

TEST_F(Settings, AnEmptyTableOfOursIsFine) {
  write("[limits]\n[timeouts]\n# idle = 3\n");
  EXPECT_EQ(refusal(), "");
}

TEST_F(Settings, AWrongTypeIsRefusedByFileLineAndName) {
  const std::map<std::string, std::string> wrong = {
      {"limits.workers = '3'", "an integer, 1 to 1024"},
      {"limits.workers = 3.0", "an integer"},
      {"limits.workers = [3]", "an integer"},
      {"limits.body_memory = true", "\"16 KiB\""},
      {"listen = 8443", "a string"},
      {"log.format = 2026-01-01", "a string"},
      {"machine.tokens = 'true'", "true or false"},
      {"machine.tokens = 1", "true or false"},
      {"rate.peer = true", "an integer"},
      {"tls.certificate = { file = 'x' }", "a string"},
  };
  for (const auto& [line, expected] : wrong) {
    write('\n' + line + '\n');
    EXPECT_THAT(refusal(), AllOf(HasSubstr(file_ + " line 2: "), HasSubstr(expected),
                                 HasSubstr(line.substr(0, line.find(' ')))))
        << line;
  }
}

TEST_F(Settings, AValueOutOfRangeIsRefusedWithWhatIsAllowed) {
  const std::map<std::string, std::string> wrong = {
      {"limits.workers = 0", "1 to 1024"},
      {"limits.workers = 1025", "1 to 1024"},
      {"limits.workers = -1", "1 to 1024"},
      {"timeouts.idle = 0", "1 to 86400"},
      {"timeouts.idle = 9223372036854775807", "1 to 86400"},
      {"database_connections = 1", "2 to 100"},
      {"log.format = 'xml'", "logfmt or json"},
      {"rate.failures = -1", "0 to 1000000"},
      {"metrics.listen = '[::]:9000'", "loopback"},
      {"metrics.listen = '9000'", "HOST:PORT"},
  };
  for (const auto& [line, expected] : wrong) {
    write(line + '\n');
    EXPECT_THAT(refusal(), AllOf(HasSubstr(file_ + " line 1: "), HasSubstr(expected),
                                 HasSubstr(line.substr(0, line.find(' ')))))
        << line;
  }
}

TEST_F(Settings, AVariableAndAFlagAreHeldToTheSame) {
  set_variable("LETTERBOX_LIMITS_WORKERS", "many");
  EXPECT_EQ(refusal(),
            "LETTERBOX_LIMITS_WORKERS: limits.workers: must be a whole number, 1 to 1024");
  unsetenv("LETTERBOX_LIMITS_WORKERS");
  EXPECT_EQ(refusal({{"data", "/data"}, {"limits.workers", "1e3"}}),
            "--limits-workers: limits.workers: must be a whole number, 1 to 1024");
}

TEST_F(Settings, WhatIsNotTomlIsRefusedByFileAndLine) {
  for (const char* text :
       {"\n[limits\n", "\nworkers = \n", "\nlimits.workers == 3\n", "data = 'x'\ndata = 'y'\n"}) {
    write(text);
    EXPECT_THAT(refusal(), HasSubstr(file_ + " line 2: isn't TOML")) << text;
  }
}

TEST_F(Settings, AFileThatIsNotThereIsSaidToBe) {
  try {
    configure("/nonexistent/letterboxd.toml", {{"data", "/data"}});
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kFile);
    EXPECT_THAT(error.what(), HasSubstr("/nonexistent/letterboxd.toml"));
  }
}

TEST_F(Settings, OfMailGoTogether) {
  const std::string both = "relay = 'mail.example:587'\nfrom = 'box@hospital.example'\n";
  write("[mail]\n" + both);
  EXPECT_EQ(refusal(), "");
  write("[mail]\nrelay = 'mail.example:587'\n");
  EXPECT_THAT(refusal(), HasSubstr("mail.relay and mail.from"));
  write("[mail]\n" + both + "user = 'letterbox'\n");
  EXPECT_THAT(refusal(), HasSubstr("mail.user and mail.password"));
  write("[mail]\n" + both + "user = 'letterbox'\npassword = '/secret'\ntls = 'none'\n");
  EXPECT_THAT(refusal(), HasSubstr("without TLS"));
  write("[mail]\nfrom = 'box@hospital.example, other@hospital.example'\n");
  EXPECT_THAT(refusal(), HasSubstr("plain mail address"));
}

TEST_F(Settings, ThatDontGoTogetherAreRefused) {
  const std::map<std::string, std::string> apart = {
      {"tls.certificate = 'x'", "tls.private_key"},
      {"tls.private_key = 'x'", "tls.certificate"},
      {"machine.listen = '127.0.0.1:1'", "machine.client_authority"},
      {"machine.client_authority = 'x'", "machine.listen"},
      {"metrics.listen = '127.0.0.1:8443'", "must differ"},
      {"listen = '0.0.0.0:443'", "listens on every address"},
      {"listen = '[::]:443'\ntls.certificate = 'x'\ntls.private_key = 'y'",
       "listens on every address"},
      {"listen = '192.0.2.7:443'", "tls.certificate"},
      {"public_url = 'https://gateway.hospital.example'", "tls.certificate"},
      {"limits.peer_workers = 33", "limits.workers"},
      {"limits.peer_requests = 257", "limits.requests"},
      {"limits.target_bytes = '32 KiB'", "limits.header_bytes"},
  };
  for (const auto& [line, expected] : apart) {
    write(line + '\n');
    EXPECT_THAT(refusal(), HasSubstr(expected)) << line;
  }
  const char* const together[] = {
      "listen = '127.0.0.1:0'\nmetrics.listen = '127.0.0.1:0'\n",
      "listen = '0.0.0.0:8443'\npublic_url = 'https://127.0.0.1:8443'\n",
      "listen = '[::]:8443'\npublic_url = 'https://localhost'\n",
      "listen = '192.0.2.7:443'\ntls.certificate = 'x'\ntls.private_key = 'y'\n",
      ("listen = '0.0.0.0:443'\npublic_url = 'https://[2001:db8::1]:443'\ntls.certificate = 'x'\n"
       "tls.private_key = 'y'\n"),
  };
  for (const char* text : together) {
    write(text);
    EXPECT_EQ(refusal(), "") << text;
  }
  write("");
  EXPECT_THAT(refusal({}), HasSubstr("data directory"));
}

}  // namespace
}  // namespace letterbox::gateway
