#include "gateway/config.h"

#include <gtest/gtest.h>

#include "base/error.h"

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

TEST(ListenAddress, RefusesWhatOthersCanReachAndSaysWhy) {
  for (const char* text : {"0.0.0.0:8443", "192.0.2.7:8443", "[::]:8443", "[2001:db8::1]:8443",
                           "[::ffff:127.0.0.1]:8443"}) {
    try {
      parse_listen_address(text);
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

}  // namespace
}  // namespace letterbox::gateway
