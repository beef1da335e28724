#include "crypto/row.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

namespace letterbox::crypto {
namespace {

Row full_row() {
  Row row;
  row.bytes.resize(kRowSize);
  row.chunks = kChunksPerRow;
  return row;
}

TEST(Row, HasAShortChunkAtItsEndAlone) {
  Row row = full_row();
  EXPECT_EQ(row.chunk(0).size(), kSealedChunkSize);
  EXPECT_EQ(row.chunk(15).size(), kSealedChunkSize);
  row.bytes.resize(kSealedChunkSize + 20);
  EXPECT_EQ(row.chunk(1).size(), 20U);
  EXPECT_EQ(row.chunk(1).data(), row.bytes.data() + kSealedChunkSize);
}

TEST(RowCrew, WorksOnEachChunkOnceWhateverItsSize) {
  for (const unsigned size : {0U, 1U, 2U, 8U}) {
    std::array<std::atomic<int>, kChunksPerRow> worked{};
    RowCrew crew(size, [&](unsigned member, Row&, std::size_t chunk) {
      EXPECT_LT(member, std::max(size, 1U));
      ++worked[chunk];
    });
    for (int round = 1; round <= 50; ++round) {
      Row first = full_row();
      Row second = full_row();
      crew.post(first);
      crew.post(second);
      crew.finish(first);
      crew.finish(second);
      for (const auto& times : worked) EXPECT_EQ(times, 2 * round);
    }
  }
}

TEST(RowCrew, ThrowsWhatTheWorkOnARowThrewAndGoesOn) {
  for (const unsigned size : {1U, 3U}) {
    bool failing = true;
    RowCrew crew(size, [&](unsigned, Row&, std::size_t chunk) {
      if (failing && chunk == 7) throw std::runtime_error("chunk 7");
    });
    Row row = full_row();
    crew.post(row);
    EXPECT_THROW(crew.finish(row), std::runtime_error);
    failing = false;
    crew.post(row);
    EXPECT_NO_THROW(crew.finish(row));
  }
}

TEST(RowCrew, CanGoWithRowsUnfinished) {
  for (int i = 0; i < 50; ++i) {
    Row first = full_row();
    Row second = full_row();
    RowCrew crew(3, [](unsigned, Row&, std::size_t) {});
    crew.post(first);
    crew.post(second);
  }
}

}  // namespace
}  // namespace letterbox::crypto
