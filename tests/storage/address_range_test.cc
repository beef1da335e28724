#include "storage/address_range.h"

#include <gtest/gtest.h>

namespace letterbox::storage {
namespace {

bool lies_in(const std::string& address, const std::string& range) {
  return AddressRange::parse(range).value().contains(address);
}

TEST(AddressRange, HoldsTheAddressesThatShareItsBits) {
  EXPECT_TRUE(lies_in("10.1.2.3", "10.0.0.0/8"));
  EXPECT_FALSE(lies_in("11.1.2.3", "10.0.0.0/8"));
  EXPECT_TRUE(lies_in("192.0.2.127", "192.0.2.0/25"));
  EXPECT_FALSE(lies_in("192.0.2.128", "192.0.2.0/25"));
  EXPECT_TRUE(lies_in("192.0.2.1", "192.0.2.1/32"));
  EXPECT_FALSE(lies_in("192.0.2.0", "192.0.2.1/32"));
  EXPECT_TRUE(lies_in("255.1.1.1", "0.0.0.0/0"));
  EXPECT_TRUE(lies_in("2001:db8:1::5", "2001:db8::/32"));
  EXPECT_FALSE(lies_in("2001:db9::", "2001:db8::/32"));
  EXPECT_TRUE(lies_in("::1", "::/0"));
}

TEST(AddressRange, TakesAMappedAddressForTheIpv4AddressThatItIs) {
  EXPECT_TRUE(lies_in("::ffff:10.1.2.3", "10.0.0.0/8"));
  EXPECT_FALSE(lies_in("::ffff:11.1.2.3", "10.0.0.0/8"));
  EXPECT_FALSE(lies_in("2001:db8::1", "0.0.0.0/0")) << "no IPv4 address";
}

TEST(AddressRange, HoldsNothingThatIsNoAddress) {
  for (const char* address : {"", "10", "10.0.0.1/8", "10.0.0.1 ", "host", "10.0.0.256"}) {
    EXPECT_FALSE(lies_in(address, "0.0.0.0/0")) << address;
    EXPECT_FALSE(lies_in(address, "::/0")) << address;
  }
  EXPECT_FALSE(lies_in(std::string("10.0.0.1\0x", 10), "0.0.0.0/0"));
}

TEST(AddressRange, IsNoneIfItIsWrittenOtherwise) {
  for (const char* text : {"", "/", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1",
                           "10.0.0.0/8x", "10.0.0.1/8", "10.0.0/8", "::/129", "2001:db8::1/32",
                           " 10.0.0.0/8", "10.0.0.0/ 8", "10.0.0.0/+8", "host/8"}) {
    EXPECT_FALSE(AddressRange::parse(text)) << text;
  }
  EXPECT_FALSE(AddressRange::parse(std::string("10.0.0.0\0/8", 11)));
}

}  // namespace
}  // namespace letterbox::storage
