#include "server/thread/turn_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"

namespace freshet {
namespace {

// Writes down who had a turn.
class TurnQueueTest : public testing::Test {
 protected:
  // Work of so many turns.
  TurnQueue::Work Work(const std::string& name, int turns, std::latch* done = nullptr) {
    return [this, name, left = std::make_shared<int>(turns), done](const Turn&) {
      {
        absl::MutexLock lock(&mu_);
        turns_.push_back(name);
      }
      if (--*left > 0) return true;
      if (done != nullptr) done->count_down();
      return false;
    };
  }

  // Occupies the only thread until `release` is notified, so that what is added meanwhile waits.
  static void Block(TurnQueue& queue, std::latch& release) {
    std::latch running(1);
    queue.Add("blocker", [&](const Turn&) {
      running.count_down();
      release.wait();
      return false;
    });
    running.wait();
  }

  std::vector<std::string> turns() {
    absl::MutexLock lock(&mu_);
    return turns_;
  }

  absl::Mutex mu_;
  std::vector<std::string> turns_ ABSL_GUARDED_BY(mu_);
};

TEST_F(TurnQueueTest, WorkIsCalledUntilItIsDone) {
  std::latch done(1);
  TurnQueue queue("test", 2);
  queue.Add("a", Work("a", 5, &done));
  done.wait();
  EXPECT_EQ(turns(), std::vector<std::string>(5, "a"));
}

TEST_F(TurnQueueTest, ClientsTakeTurns) {
  std::latch done(4);
  std::latch release(1);
  TurnQueue queue("test", 1);
  Block(queue, release);
  for (const std::string name : {"a1", "a2", "a3"}) queue.Add("a", Work(name, 4, &done));
  queue.Add("b", Work("b", 4, &done));
  release.count_down();
  done.wait();
  const std::vector<std::string> order = turns();
  // Every second turn is b's until it is done, whatever a wants.
  const auto last = std::find(order.rbegin(), order.rend(), "b");
  EXPECT_LE(order.rend() - last, 8);
  EXPECT_EQ(order.size(), 16U);
}

TEST_F(TurnQueueTest, AClientsWorkTakesTurnsTooButFourPiecesAtMostAreBegun) {
  constexpr int kPieces = 20;
  std::latch done(kPieces);
  std::latch release(1);
  TurnQueue queue("test", 1);
  Block(queue, release);
  std::atomic<int> begun{0};
  std::atomic<int> ended{0};
  std::atomic<int> most{0};
  for (int i = 0; i < kPieces; ++i) {
    queue.Add("a", [&, left = std::make_shared<int>(3)](const Turn&) {
      if (*left == 3) ++begun;
      most = std::max(most.load(), begun - ended);
      if (--*left > 0) return true;
      ++ended;
      done.count_down();
      return false;
    });
  }
  release.count_down();
  done.wait();
  EXPECT_EQ(most, 4);
}

TEST_F(TurnQueueTest, AllWorkIsDoneBeforeItEnds) {
  std::atomic<int> ended{0};
  {
    TurnQueue queue("test", 2);
    for (int i = 0; i < 50; ++i) {
      queue.Add(std::to_string(i % 3), [&ended, left = std::make_shared<int>(10)](const Turn&) {
        if (--*left > 0) return true;
        ++ended;
        return false;
      });
    }
  }
  EXPECT_EQ(ended, 50);
}

TEST_F(TurnQueueTest, ATurnIsOverSoon) {
  std::latch done(1);
  TurnQueue queue("test", 1);
  queue.Add("a", [&done](const Turn& turn) {
    while (!turn.is_over()) continue;
    done.count_down();
    return false;
  });
  done.wait();
}

}  // namespace
}  // namespace freshet
