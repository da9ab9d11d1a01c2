#include "server/runtime/model_upkeep.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "core/base/str_cat.h"
#include "tests/server/runtime/registry_test.h"

namespace freshet {
namespace {

constexpr int kModelCount = 1000;

using ModelUpkeepTest = RegistryTest;

TEST_F(ModelUpkeepTest, GoesThroughTheModelsWhileTheyComeAndGo) {
  std::atomic<bool> stop{false};
  std::thread upkeep([&] {
    while (!stop) {
      DropOldRecords(registry_);
      SnapshotAll(registry_, v1::SNAPSHOT_TRIGGER_INTERVAL);
    }
  });
  for (int i = 0; i < kModelCount; ++i) {
    Create(StrCat("m", i));
    EXPECT_TRUE(registry_.Delete(StrCat("m", i)).ok());
  }
  stop = true;
  upkeep.join();
}

}  // namespace
}  // namespace freshet
