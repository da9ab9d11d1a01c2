#include "server/runtime/periodic_task.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

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

}  // namespace
}  // namespace freshet
