#include "server/thread/periodic_task.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <optional>

#include "tests/support/manual_clock.h"

namespace freshet {
namespace {

TEST(PeriodicTaskTest, RunsAgainAndAgainUntilItEnds) {
  std::latch three(3);
  std::atomic<int> calls = 0;
  {
    const PeriodicTask task(absl::Milliseconds(1), [&] {
      if (++calls <= 3) three.count_down();
    });
    three.wait();
  }
  const int at_the_end = calls;
  EXPECT_GE(at_the_end, 3);
  EXPECT_EQ(calls, at_the_end);
}

TEST(PeriodicTaskTest, DoesNotWaitForTheIntervalToEnd) {
  bool called = false;
  {
    const PeriodicTask task(absl::Hours(1), [&] { called = true; });
  }
  EXPECT_FALSE(called);
}

TEST(PeriodicTaskTest, TheIntervalIsOneOfTheSteadyClock) {
  ManualClock clock;
  std::atomic<int> calls{0};
  const PeriodicTask task(
      absl::Hours(1), [&] { ++calls; }, clock);
  for (int hour = 0; hour < 3; ++hour) {
    clock.AwaitWaiting(1);
    clock.Advance(absl::Minutes(59));
    clock.AwaitWaiting(1);
    EXPECT_EQ(calls, hour);
    clock.Advance(absl::Minutes(1));
    while (calls == hour) std::this_thread::yield();
  }
}

TEST(PeriodicTaskTest, AnotherIntervalHoldsFromNowOn) {
  ManualClock clock;
  std::latch called(1);
  PeriodicTask task(
      absl::InfiniteDuration(), [&] { called.count_down(); }, clock);
  clock.AwaitWaiting(1);
  clock.Advance(absl::Hours(1000));
  EXPECT_FALSE(called.try_wait());
  task.SetInterval(absl::Hours(1));
  clock.Advance(absl::Hours(1));
  called.wait();
  task.SetInterval(absl::InfiniteDuration());
}

TEST(PeriodicTaskTest, StopDoesNotWaitForTheTaskUnderWay) {
  std::latch running(1);
  std::latch release(1);
  std::optional<PeriodicTask> task;
  task.emplace(absl::Milliseconds(1), [&] {
    running.count_down();
    release.wait();
  });
  running.wait();
  task->Stop();
  release.count_down();
  task.reset();  // Which does; a second run would count below zero.
}

}  // namespace
}  // namespace freshet
