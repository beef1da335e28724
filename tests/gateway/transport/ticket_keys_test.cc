#include "gateway/transport/ticket_keys.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <array>
#include <memory>

namespace letterbox::gateway::transport {
namespace {

using std::chrono::minutes;

class Tickets : public ::testing::Test {
 protected:
  /// What the callback says to a ticket of that key name at that time.
  int use(TicketKeys::Clock::time_point now, std::array<unsigned char, 16>& name, bool seal) {
    std::array<unsigned char, EVP_MAX_IV_LENGTH> iv{};
    const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> cipher(
        EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
    const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> hmac(
        EVP_MAC_fetch(nullptr, "HMAC", nullptr), EVP_MAC_free);
    const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> mac(EVP_MAC_CTX_new(hmac.get()),
                                                                        EVP_MAC_CTX_free);
    return keys_.use(now, name.data(), iv.data(), cipher.get(), mac.get(), seal ? 1 : 0);
  }

  const TicketKeys::Clock::time_point begin_ = TicketKeys::Clock::now();
  TicketKeys keys_;
  std::array<unsigned char, 16> name_{};
};

TEST_F(Tickets, OpenWithTheKeyThatSealedThem) {
  EXPECT_EQ(use(begin_, name_, true), 1);
  EXPECT_EQ(use(begin_ + minutes(59), name_, false), 1);
}

TEST_F(Tickets, AreRenewedAfterAnHourAndUnknownAfterTwo) {
  EXPECT_EQ(use(begin_, name_, true), 1);
  EXPECT_EQ(use(begin_ + minutes(61), name_, false), 2);
  EXPECT_EQ(use(begin_ + minutes(122), name_, false), 0);
}

TEST_F(Tickets, OfBeforeALongSilenceAreUnknown) {
  EXPECT_EQ(use(begin_, name_, true), 1);
  EXPECT_EQ(use(begin_ + minutes(121), name_, false), 0);
}

TEST_F(Tickets, OfNobodyAreUnknown) {
  EXPECT_EQ(use(begin_, name_, false), 0);
}

TEST_F(Tickets, KeysAreNeverTheSame) {
  EXPECT_EQ(use(begin_, name_, true), 1);
  std::array<unsigned char, 16> later{};
  EXPECT_EQ(use(begin_ + minutes(61), later, true), 1);
  EXPECT_NE(name_, later);
}

}  // namespace
}  // namespace letterbox::gateway::transport
