#include "gateway/transport/piece_queue.h"

#include <gtest/gtest.h>

#include <thread>

namespace letterbox::gateway::transport {
namespace {

void put(PieceQueue& queue, Byte byte) {
  const std::span<Byte> room = queue.wait_for_room();
  ASSERT_EQ(room.size(), PieceQueue::kPieceBytes);
  room[0] = byte;
  queue.push(1);
}

TEST(PieceQueue, HoldsTwoPiecesAndTheOneInTheConsumersHandsCounts) {
  PieceQueue queue;
  put(queue, 1);
  put(queue, 2);
  EXPECT_TRUE(queue.room().empty());
  EXPECT_EQ((*queue.front())[0], 1);
  EXPECT_TRUE(queue.room().empty());
  queue.pop();
  EXPECT_FALSE(queue.room().empty());
}

TEST(PieceQueue, PiecesComeInOrderAndThenTheEnd) {
  PieceQueue queue;
  std::thread producer([&queue] {
    for (Byte byte = 0; byte < 100; ++byte) put(queue, byte);
    queue.end();
  });
  for (Byte byte = 0; byte < 100; ++byte) {
    EXPECT_EQ((*queue.wait_for_front())[0], byte);
    queue.pop();
  }
  EXPECT_TRUE(queue.wait_for_front()->empty());
  EXPECT_TRUE(queue.wait_for_front()->empty());
  producer.join();
}

TEST(PieceQueue, FrontIsNothingWhileThereIsNothing) {
  PieceQueue queue;
  EXPECT_FALSE(queue.front().has_value());
  queue.end();
  EXPECT_TRUE(queue.front()->empty());
}

TEST(PieceQueue, ClosingReleasesAConsumerThatWaits) {
  PieceQueue queue;
  std::thread consumer([&queue] { EXPECT_FALSE(queue.wait_for_front().has_value()); });
  queue.close();
  consumer.join();
}

TEST(PieceQueue, ClosingReleasesAProducerThatWaits) {
  PieceQueue queue;
  put(queue, 1);
  put(queue, 2);
  std::thread producer([&queue] { EXPECT_TRUE(queue.wait_for_room().empty()); });
  std::thread drainer([&queue] { queue.wait_until_empty(); });
  queue.close();
  producer.join();
  drainer.join();
}

}  // namespace
}  // namespace letterbox::gateway::transport
