#include "server/runtime/model_upkeep.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "absl/time/time.h"
#include "core/base/str_cat.h"
#include "server/file/data_dir.h"
#include "server/runtime/model_registry.h"
#include "tests/support/fault_file_system.h"

namespace freshet {
namespace {

constexpr int kModelCount = 1000;

class ModelUpkeepTest : public testing::Test {
 protected:
  ModelUpkeepTest() { EXPECT_TRUE(registry_.Recover().ok()); }

  void Create(const std::string& id) {
    v1::Model requested;
    requested.set_durability(v1::DURABILITY_NONE);
    requested.add_variants()->mutable_learner()->set_loss(v1::LOSS_LOGISTIC);
    requested.mutable_variants(0)->mutable_learner()->set_bits(10);
    const auto model = registry_.Create(id, requested);
    EXPECT_TRUE(model.ok()) << model.status();
  }

  FaultFileSystem files_;
  const std::unique_ptr<DataDir> data_dir_ = DataDir::Open(files_, "/data").value();
  WorkerPool io_{"io", 1};
  WorkerPool loggers_{"logger", 1};
  WorkerPool learners_{"learner", 1};
  const RuntimeEnvironment environment_{.data_dir = *data_dir_,
                                        .learners = learners_,
                                        .loggers = loggers_,
                                        .io = io_,
                                        .clock = [] { return absl::UnixEpoch(); },
                                        .server_version = "test"};
  ModelRegistry registry_{environment_};
};

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
