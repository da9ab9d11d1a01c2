#include "server/thread/worker_pool.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <functional>
#include <latch>
#include <memory>

#include "tests/support/manual_clock.h"

namespace freshet {
namespace {

TEST(WorkerPoolTest, RunsWhatWasPostedBeforeItEnds) {
  std::atomic<int> count{0};
  {
    WorkerPool pool("pool", 2);
    for (int i = 0; i < 100; ++i) {
      pool.Post([&] {
        ++count;
        pool.Post([&] { ++count; });
      });
    }
  }
  EXPECT_EQ(count, 200);
}

// A server's pools once ended one after the other, while their tasks went on posting to each other:
// the process aborted with "Mutex corrupt", or never ended.
TEST(WorkerPoolTest, PoolsWhoseTasksPostToEachOtherEndTogether) {
  for (int round = 0; round < 50; ++round) {
    WorkerPool first("first", 2);
    WorkerPool second("second", 1);
    WorkerPool third("third", 1);
    const std::array<WorkerPool*, 3> pools = {&first, &second, &third};
    std::atomic<int> count{0};
    const std::function<void(int)> hop = [&](int hops) {
      ++count;
      if (hops == 0) return;
      pools[static_cast<size_t>(hops) % pools.size()]->Post([&hop, hops] { hop(hops - 1); });
    };
    for (int i = 0; i < 4; ++i) first.Post([&hop] { hop(100); });
    WorkerPool::EndAll(pools);
    EXPECT_EQ(count, 4 * 101);
  }
}

TEST(WorkerPoolTest, WhatIsPostedAfterTheEndIsDestroyedAndNotRun) {
  WorkerPool pool("pool", 1);
  WorkerPool::EndAll(std::array<WorkerPool*, 1>{&pool});
  const auto held = std::make_shared<int>(0);
  bool run = false;
  pool.Post([held, &run] { run = true; });
  pool.PostAfter(absl::Milliseconds(1), [held, &run] { run = true; });
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_FALSE(run);
}

TEST(WorkerPoolTest, WhatATaskHoldsIsGoneWhenThePoolHasEnded) {
  auto held = std::make_shared<int>(0);
  WorkerPool pool("pool", 1);
  for (int i = 0; i < 100; ++i) pool.Post([held] {});
  WorkerPool::EndAll(std::array<WorkerPool*, 1>{&pool});
  EXPECT_EQ(held.use_count(), 1);
}

TEST(WorkerPoolTest, APauseIsNeitherShorterNorLongerThanTheSteadyClockSays) {
  ManualClock clock;
  std::atomic<bool> run{false};
  std::latch done(1);
  WorkerPool pool("pool", 2, clock);
  pool.PostAfter(absl::Hours(1), [&] {
    run = true;
    done.count_down();
  });
  clock.Advance(absl::Minutes(59));
  std::latch idle(1);
  pool.Post([&] { idle.count_down(); });
  idle.wait();
  EXPECT_FALSE(run);
  clock.Advance(absl::Minutes(1));
  done.wait();
}

TEST(WorkerPoolTest, AnEarlierPauseThatComesLaterIsNotWaitedForTooLong) {
  ManualClock clock;
  WorkerPool pool("pool", 2, clock);
  std::latch early(1);
  pool.PostAfter(absl::Hours(2), [] {});
  clock.AwaitWaiting(2);
  pool.PostAfter(absl::Hours(1), [&] { early.count_down(); });
  clock.Advance(absl::Hours(1));
  early.wait();
}

TEST(WorkerPoolTest, APauseIsNotForgottenWhileAnotherTaskRunsLong) {
  ManualClock clock;
  WorkerPool pool("pool", 2, clock);
  std::latch release(1);
  std::latch delayed(1);
  pool.PostAfter(absl::Hours(1), [&] { delayed.count_down(); });
  pool.Post([&] { release.wait(); });
  clock.Advance(absl::Hours(1));
  delayed.wait();
  release.count_down();
}

TEST(WorkerPoolTest, PausesAreOverAtTheEnd) {
  ManualClock clock;
  bool run = false;
  {
    WorkerPool pool("pool", 1, clock);
    pool.PostAfter(absl::Hours(1), [&] { run = true; });
    pool.PostAfter(absl::InfiniteDuration(), [] {});
  }
  EXPECT_TRUE(run);
}

}  // namespace
}  // namespace freshet
