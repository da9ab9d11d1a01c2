#include "server/runtime/low_priority.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace freshet {
namespace {

TEST(LowPriorityTest, TheWorkIsDoneAndTheCallerKeepsItsPriority) {
  const int before = getpriority(PRIO_PROCESS, 0);
  int during = before;
  RunAtLowPriority([&] { during = getpriority(PRIO_PROCESS, 0); });
  EXPECT_GT(during, before);
  EXPECT_EQ(getpriority(PRIO_PROCESS, 0), before);
}

}  // namespace
}  // namespace freshet
