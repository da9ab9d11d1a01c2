#include "server/registry/model_upkeep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>
#include <sstream>
#include <thread>
#include <utility>

#include "absl/synchronization/notification.h"
#include "core/base/str_cat.h"
#include "tests/server/model/model_fixture.h"
#include "tests/server/registry/registry_test.h"

namespace freshet {
namespace {

constexpr int kModelCount = 1000;

using ::testing::HasSubstr;

using ModelUpkeepTest = RegistryTest;

TEST_F(ModelUpkeepTest, GoesThroughTheModelsWhileTheyComeAndGo) {
  std::atomic<bool> stop{false};
  std::thread upkeep([&] {
    while (!stop) {
      DropOldRecords(registry_, stop);
      SnapshotAll(registry_, v1::SNAPSHOT_TRIGGER_INTERVAL);
    }
  });
  for (int i = 0; i < kModelCount; ++i) {
    Create(StrCat("m", i));
    EXPECT_TRUE(Delete(StrCat("m", i)).ok());
  }
  stop = true;
  upkeep.join();
}

TEST_F(ModelUpkeepTest, ASnapshotOfAModelThatIsDeletedMeanwhileSaysSo) {
  const std::shared_ptr<ServedModel> model = Create("m");
  absl::Notification begun;
  io_.Post([&] { begun.WaitForNotification(); });  // Which keeps the file from being written.
  absl::Notification deleted;
  const auto snapshot = Await<absl::StatusOr<v1::Snapshot>>([&](auto done) {
    model->CreateSnapshot("", v1::SNAPSHOT_TRIGGER_INTERVAL, std::move(done));
    registry_.Delete("m", [&](const absl::Status& status) {
      EXPECT_TRUE(status.ok()) << status;
      deleted.Notify();
    });
    begun.Notify();
  });
  deleted.WaitForNotification();
  EXPECT_THAT(std::string(snapshot.status().message()), HasSubstr("models/m"));
  EXPECT_THAT(std::string(snapshot.status().message()), HasSubstr("deleted"));
}

// A folder that somebody removed is not found either, and that must be said.
TEST_F(ModelUpkeepTest, OnlyOfADeletedModelAFailedSnapshotIsNotLogged) {
  std::ostringstream log;
  const std::shared_ptr<spdlog::logger> usual = spdlog::default_logger();
  spdlog::set_default_logger(std::make_shared<spdlog::logger>(
      "log", std::make_shared<spdlog::sinks::ostream_sink_mt>(log)));
  const std::shared_ptr<ServedModel> model = Create("m");
  model->LogSnapshotFailure(absl::NotFoundError("no \"such\"\nfolder"));
  // Quotes and line feeds of an error do not end the value or the line.
  EXPECT_THAT(log.str(), HasSubstr("event=snapshot_failed model=models/m "
                                   R"(error="no \"such\"\u000afolder")"));
  EXPECT_TRUE(Delete("m").ok());
  log.str("");
  model->LogSnapshotFailure(absl::NotFoundError("no such folder"));
  spdlog::set_default_logger(usual);
  EXPECT_EQ(log.str(), "");
}

}  // namespace
}  // namespace freshet
