#include "server/thread/thread_priority.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <latch>
#include <thread>

#include "server/thread/worker_pool.h"

namespace freshet {
namespace {

int Nice() { return getpriority(PRIO_PROCESS, 0); }

TEST(ThreadPriorityTest, WorkAtLowPriorityIsDoneAndTheCallerKeepsItsPriority) {
  const int before = Nice();
  int during = before;
  RunAtLowPriority([&] { during = Nice(); });
  EXPECT_GT(during, before);
  EXPECT_EQ(Nice(), before);
}

TEST(ThreadPriorityTest, PoolsGiveWayToThreadsThatAnswer) {
  const int before = Nice();
  int during = before;
  std::latch done(1);
  WorkerPool pool("test", 1);
  pool.Post([&] {
    during = Nice();
    done.count_down();
  });
  done.wait();
  EXPECT_GT(during, before);
  EXPECT_EQ(Nice(), before);
}

TEST(ThreadPriorityTest, ShortTurnsLeaveTheShareAsItIs) {
  std::thread([] {
    const int before = Nice();
    TakeShortTurns();
    EXPECT_EQ(Nice(), before);
  }).join();
}

}  // namespace
}  // namespace freshet
