// A server that is told to stop while it has much to do: it is gone in time, with exit code 0, and
// what it acknowledged is there at the next start.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/e2e/stop_fixture.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

// It once aborted with "Mutex corrupt", or never ended: the pools ended one after the other, while
// what was left in the queues went on from one to the next.
TEST_F(StopTest, BatchesThatTakeLongerThanTheGraceAreLeftAndNothingIsLost) {
  for (int i = 0; i < StopCount(); ++i) {
    std::filesystem::remove_all(data_dir_);
    ASSERT_NO_FATAL_FAILURE(StartWithConfig(kShortGrace));
    std::vector<std::unique_ptr<Load>> loads;
    for (const auto& [id, durability] :
         {std::pair("fsync", v1::DURABILITY_FSYNC), std::pair("os", v1::DURABILITY_OS),
          std::pair("none", v1::DURABILITY_NONE)}) {
      ASSERT_NO_FATAL_FAILURE(Create(id, durability, /*slow=*/true));
      loads.push_back(StartSlowLoad(id));
    }
    for (const auto& load : loads) ASSERT_NO_FATAL_FAILURE(AwaitAcknowledged(*load, 20));
    PauseAtRandom(500);
    const ExitState ended = StopInTime();
    EXPECT_EQ(ended.code, 0) << ended.log;
    EXPECT_THAT(ended.log, HasSubstr("event=stopped"));
    ASSERT_NO_FATAL_FAILURE(ExpectNothingIsLost(loads));
    server_->Stop();
  }
}

}  // namespace
}  // namespace freshet
