#include "server/runtime/model_upkeep.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <utility>

#include "absl/synchronization/notification.h"
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

TEST_F(ModelUpkeepTest, ASnapshotOfAModelThatIsDeletedMeanwhileSaysSo) {
  const std::shared_ptr<ModelRuntime> model = Create("m");
  absl::Notification deleted;
  io_.Post([&] { deleted.WaitForNotification(); });  // Which keeps the file from being written.
  absl::StatusOr<v1::Snapshot> snapshot;
  absl::Notification done;
  model->CreateSnapshot("", v1::SNAPSHOT_TRIGGER_INTERVAL,
                        [&](absl::StatusOr<v1::Snapshot> result) {
                          snapshot = std::move(result);
                          done.Notify();
                        });
  EXPECT_TRUE(registry_.Delete("m").ok());
  deleted.Notify();
  done.WaitForNotification();
  EXPECT_EQ(snapshot.status(), absl::NotFoundError("models/m was deleted"));
}

}  // namespace
}  // namespace freshet
