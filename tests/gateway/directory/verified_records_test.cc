#include "gateway/directory/verified_records.h"

#include <gtest/gtest.h>

#include <array>

#include "base/error.h"
#include "tests/records/people.h"

namespace letterbox::gateway {
namespace {

using records::kStart;
using records::Somebody;

std::string record_of(const Somebody& who) {
  return records::to_json(who.envelope);
}

TEST(VerifiedRecords, SayTheSameASecondTime) {
  const Somebody ada;
  VerifiedRecords records(10);
  for (const std::uint64_t position : {3u, 8u}) {
    const auto accepted = records.verify(record_of(ada), position, kStart);
    EXPECT_EQ(accepted.hash, ada.hash);
    EXPECT_EQ(std::get<records::DeviceRecord>(accepted.record).recipient, ada.record.recipient);
    EXPECT_EQ(accepted.position, position) << "of this call, not of an earlier one";
    EXPECT_EQ(accepted.accepted, kStart);
  }
}

TEST(VerifiedRecords, RefuseWhatWasAlteredSince) {
  const Somebody ada;
  const Somebody mallory;
  VerifiedRecords records(10);
  records.verify(record_of(ada), 0, kStart);
  records.verify(record_of(mallory), 1, kStart);
  records::Envelope forged = ada.envelope;
  forged.signature = mallory.envelope.signature;
  for (int time = 0; time < 2; ++time) {
    EXPECT_THROW(records.verify(records::to_json(forged), 0, kStart), Error);
  }
}

TEST(VerifiedRecords, BeginAnewWhenThereAreTooMany) {
  const std::array<Somebody, 5> people;
  VerifiedRecords records(2);
  for (int time = 0; time < 2; ++time) {
    for (const Somebody& one : people) {
      EXPECT_EQ(records.verify(record_of(one), 0, kStart).hash, one.hash);
    }
  }
}

}  // namespace
}  // namespace letterbox::gateway
