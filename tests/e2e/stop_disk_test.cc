// Stopping a server while its disk is slow, hangs or fails: it exits in time, with code 0 if no
// acknowledged example is lost, or with code 74 and the models' names if some are.

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/pusher.h"
#include "core/base/str_cat.h"
#include "tests/e2e/stop_fixture.h"
#include "tests/support/faulty_disk.h"
#include "tests/support/half_import.h"
#include "tests/support/model_dir.h"
#include "tests/support/random_examples.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kExitLost = 74;
constexpr int kStopBatchExamples = 100;

class StopDiskTest : public StopTest {
 protected:
  void SetUp() override {
    for (std::string& setting : disk_.Environment()) environment_.push_back(std::move(setting));
    ASSERT_NO_FATAL_FAILURE(StartWithConfig(kShortGrace));
  }

  // Pushes `batches` batches, and returns OK if all were acknowledged.
  absl::Status Push(const std::string& model, int batches) {
    auto pusher = Pusher::Start(*client_, model, {.retry_deadline_ms = 0});
    if (!pusher.ok()) return pusher.status();
    for (int i = 0; i < batches; ++i) {
      ExampleBatchBuilder batch;
      examples_.Append(kStopBatchExamples, batch);
      if (absl::Status status = (*pusher)->PushBatch(batch); !status.ok()) return status;
    }
    return (*pusher)->Close();
  }

  // Waits until batches of the model are queued: pushed, and not yet answered.
  void AwaitQueued(const std::string& model) const {
    const absl::Time deadline = absl::Now() + absl::Seconds(60);
    while (client_->GetModel(model)->queued_example_count() < 1000) {
      ASSERT_LT(absl::Now(), deadline) << model;
      absl::SleepFor(absl::Milliseconds(2));
    }
  }

  // Heals the disk and starts the server again.
  void Restart() {
    disk_.Heal();
    ASSERT_NO_FATAL_FAILURE(StartWithConfig(kShortGrace));
  }

  uint64_t ExampleCount(const std::string& model) const {
    const auto found = client_->GetModel(model);
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? found->example_count() : 0;
  }

  const FaultyDisk disk_{data_dir_};
  RandomExamples examples_{5};
};

// A disk on which some calls wait.
struct WaitingDisk {
  std::string name;
  std::vector<DiskRule> rules;
};

class WaitingDiskTest : public StopDiskTest, public testing::WithParamInterface<WaitingDisk> {};

INSTANTIATE_TEST_SUITE_P(, WaitingDiskTest,
                         testing::Values(WaitingDisk{"SyncsTakeFortySeconds",
                                                     {{.call = DiskCall::kSync,
                                                       .wait = absl::Seconds(40)}}},
                                         WaitingDisk{"SyncsHang", {{.call = DiskCall::kSync}}},
                                         WaitingDisk{"EverythingHangs",
                                                     {{.call = DiskCall::kSync},
                                                      {.call = DiskCall::kChange},
                                                      {.call = DiskCall::kOpen}}}),
                         [](const auto& disk) { return disk.param.name; });

// With syncs of 40 seconds, the server was still running after 130 seconds.
TEST_P(WaitingDiskTest, BatchesThatWaitForItHoldNoStopUpAndNothingIsLost) {
  std::vector<std::unique_ptr<Load>> loads;
  for (const std::string id : {"first", "second"}) {
    ASSERT_NO_FATAL_FAILURE(Create(id, v1::DURABILITY_FSYNC));
    loads.push_back(StartLoad(id));
  }
  for (const auto& load : loads) ASSERT_NO_FATAL_FAILURE(AwaitAcknowledged(*load, 500));
  disk_.Set(GetParam().rules);
  for (const auto& load : loads) ASSERT_NO_FATAL_FAILURE(AwaitQueued(load->model()));
  const ExitState ended = StopInTime();
  EXPECT_EQ(ended.code, 0) << ended.log;
  EXPECT_THAT(ended.log, HasSubstr("event=stop_forced"));
  disk_.Heal();
  ASSERT_NO_FATAL_FAILURE(ExpectNothingIsLost(loads));
}

// Without a log, acknowledged examples exist only in memory, and there is no time to wait for a
// snapshot.
TEST_P(WaitingDiskTest, WhatAModelWithoutALogLosesIsNamed) {
  ASSERT_NO_FATAL_FAILURE(Create("kept", v1::DURABILITY_FSYNC));
  ASSERT_NO_FATAL_FAILURE(Create("lost", v1::DURABILITY_NONE));
  ASSERT_TRUE(Push("kept", 2).ok());
  ASSERT_TRUE(Push("lost", 1).ok());
  ASSERT_TRUE(client_->CreateSnapshot("lost").ok());
  ASSERT_TRUE(Push("lost", 3).ok());
  disk_.Set(GetParam().rules);
  const ExitState ended = StopInTime();
  EXPECT_EQ(ended.code, kExitLost) << ended.log;
  EXPECT_THAT(ended.log, HasSubstr("lost=\"models/lost: 3 records (300 examples), no snapshot was "
                                   "done in time\""));
  ASSERT_NO_FATAL_FAILURE(Restart());
  EXPECT_EQ(ExampleCount("kept"), 200U);
  EXPECT_EQ(ExampleCount("lost"), 100U);
}

// A requested snapshot that hangs is not waited for, because the last snapshot serves the same
// purpose.
TEST_P(WaitingDiskTest, ASnapshotUnderWayHoldsNoStopUp) {
  ASSERT_NO_FATAL_FAILURE(Create("ctr", v1::DURABILITY_FSYNC));
  ASSERT_TRUE(Push("ctr", 3).ok());
  disk_.Set(GetParam().rules);
  absl::Status snapshot;
  std::thread asking([&] { snapshot = client_->CreateSnapshot("ctr", "asked").status(); });
  EXPECT_TRUE(disk_.AwaitWaiting("/snapshots/"));
  const ExitState ended = StopInTime();
  asking.join();
  EXPECT_EQ(ended.code, 0) << ended.log;
  EXPECT_FALSE(snapshot.ok());
  ASSERT_NO_FATAL_FAILURE(Restart());
  EXPECT_EQ(ExampleCount("ctr"), 300U);
}

// A disk that is merely slow: the last snapshot is waited for as long as there is time.
TEST_F(StopDiskTest, ALastSnapshotThatTakesSecondsIsWaitedFor) {
  ASSERT_NO_FATAL_FAILURE(Create("none", v1::DURABILITY_NONE));
  ASSERT_TRUE(Push("none", 3).ok());
  disk_.Set({{.call = DiskCall::kSync, .wait = absl::Milliseconds(500)}});
  const ExitState ended = StopInTime();
  EXPECT_EQ(ended.code, 0) << ended.log;
  EXPECT_THAT(ended.log, HasSubstr("event=stopped"));
  ASSERT_NO_FATAL_FAILURE(Restart());
  EXPECT_EQ(ExampleCount("none"), 300U);
}

TEST_F(StopDiskTest, OneModelsDiskThatHangsTakesNoOthersSnapshot) {
  ASSERT_NO_FATAL_FAILURE(Create("hangs", v1::DURABILITY_NONE));
  ASSERT_NO_FATAL_FAILURE(Create("works", v1::DURABILITY_NONE));
  ASSERT_TRUE(Push("hangs", 2).ok());
  ASSERT_TRUE(Push("works", 2).ok());
  disk_.Set({{.call = DiskCall::kSync, .path_part = ModelDirOf(data_dir_, "hangs")}});
  const ExitState ended = StopInTime();
  EXPECT_EQ(ended.code, kExitLost) << ended.log;
  EXPECT_THAT(ended.log, HasSubstr("models/hangs: 2 records (200 examples)"));
  EXPECT_THAT(ended.log, Not(HasSubstr("models/works: ")));
  ASSERT_NO_FATAL_FAILURE(Restart());
  EXPECT_EQ(ExampleCount("hangs"), 0U);
  EXPECT_EQ(ExampleCount("works"), 200U);
}

TEST_F(StopDiskTest, ASecondSignalEndsItAtOnce) {
  ASSERT_NO_FATAL_FAILURE(Create("ctr", v1::DURABILITY_FSYNC));
  ASSERT_TRUE(Push("ctr", 3).ok());
  disk_.Set({{.call = DiskCall::kSync}});
  WriteConfig("drain_grace_s: 600");
  server_->Signal(SIGHUP);
  ASSERT_NO_FATAL_FAILURE(AwaitLog("event=reconfigured"));
  server_->Signal(SIGTERM);
  ASSERT_NO_FATAL_FAILURE(AwaitLog("event=draining"));
  server_->Signal(SIGINT);
  const ExitState ended = server_->Wait();
  EXPECT_EQ(ended.code, 128 + SIGINT) << ended.log;
  EXPECT_THAT(ended.log, HasSubstr("event=second_signal"));
  ASSERT_NO_FATAL_FAILURE(Restart());
  EXPECT_EQ(ExampleCount("ctr"), 300U);
}

// The final message used to be cut off after 512 bytes.
TEST_F(StopDiskTest, AStopThatIsForcedNamesAllThatLose) {
  constexpr int kModels = 8;
  std::vector<std::string> ids;
  ids.reserve(kModels);
  for (int i = 0; i < kModels; ++i) ids.push_back(StrCat("model-of-a-very-long-name-number-", i));
  for (const std::string& id : ids) {
    ASSERT_NO_FATAL_FAILURE(Create(id, v1::DURABILITY_NONE));
    ASSERT_TRUE(Push(id, 1).ok());
  }
  disk_.Set({{.call = DiskCall::kSync}});
  const ExitState ended = StopInTime();
  EXPECT_EQ(ended.code, kExitLost) << ended.log;
  for (const std::string& id : ids) {
    EXPECT_THAT(ended.log, HasSubstr(StrCat("models/", id, ": 1 record (100 examples), no")));
  }
  EXPECT_TRUE(ended.log.ends_with("\"\n")) << ended.log;
}

// The disk blocks a recovery, and then a start before it has anything to recover.
TEST_P(WaitingDiskTest, AStartHoldsNoStopUp) {
  ASSERT_NO_FATAL_FAILURE(Create("ctr", v1::DURABILITY_FSYNC));
  ASSERT_TRUE(Push("ctr", 3).ok());
  server_->Kill();
  for (const bool recovers : {true, false}) {
    std::vector<DiskRule> rules = GetParam().rules;
    if (recovers) {
      for (DiskRule& rule : rules) rule.path_part = ModelDirOf(data_dir_, "ctr");
    }
    disk_.Set(rules);
    WriteConfig(kShortGrace);
    server_ =
        ServerProcess::Launch(data_dir_, {"--config=" + folder_.path() + "/config"}, environment_);
    ASSERT_TRUE(disk_.AwaitWaiting()) << server_->Log();
    const ExitState ended = StopInTime();
    EXPECT_EQ(ended.code, 0) << ended.log;
    EXPECT_THAT(ended.log, Not(HasSubstr("event=serving")));
  }
  ASSERT_NO_FATAL_FAILURE(Restart());
  EXPECT_EQ(ExampleCount("ctr"), 300U);
}

// A client has sent half of a snapshot, whose file cannot be written.
TEST_P(WaitingDiskTest, AnImportHalfSentHoldsNoStopUp) {
  ASSERT_NO_FATAL_FAILURE(Create("ctr", v1::DURABILITY_FSYNC));
  disk_.Set(GetParam().rules);
  HalfImport import(*client_, "ctr", "x");
  ASSERT_TRUE(import.is_sent());
  const ExitState ended = StopInTime();
  EXPECT_EQ(ended.code, 0) << ended.log;
  EXPECT_FALSE(import.Finish().ok());
}

// A disk on which nothing can be written.
class FailingDiskStopTest : public StopDiskTest, public testing::WithParamInterface<int> {};

INSTANTIATE_TEST_SUITE_P(, FailingDiskStopTest, testing::Values(EROFS, EIO, ENOSPC),
                         [](const auto& error) {
                           return std::string(strerrorname_np(error.param));
                         });

// The server used to exit with 0.
TEST_P(FailingDiskStopTest, WhatAModelWithoutALogLosesIsNamed) {
  ASSERT_NO_FATAL_FAILURE(Create("kept", v1::DURABILITY_FSYNC));
  ASSERT_NO_FATAL_FAILURE(Create("lost", v1::DURABILITY_NONE));
  ASSERT_TRUE(Push("kept", 2).ok());
  ASSERT_TRUE(Push("lost", 1).ok());
  ASSERT_TRUE(client_->CreateSnapshot("lost").ok());
  ASSERT_TRUE(Push("lost", 3).ok());
  disk_.FailChanges(GetParam());
  const ExitState ended = StopInTime();
  EXPECT_EQ(ended.code, kExitLost) << ended.log;
  EXPECT_THAT(ended.log, HasSubstr("event=stopped"));
  EXPECT_THAT(ended.log, HasSubstr("event=lost model=models/lost records=3 examples=300 error=\""));
  EXPECT_THAT(ended.log,
              HasSubstr("freshetd: acknowledged examples are lost, since their models could not be "
                        "saved: models/lost: 3 records (300 examples), "));
  EXPECT_THAT(ended.log, HasSubstr(std::strerror(GetParam())));
  EXPECT_THAT(ended.log, Not(HasSubstr("models/kept: ")));
  ASSERT_NO_FATAL_FAILURE(Restart());
  EXPECT_EQ(ExampleCount("kept"), 200U);
  EXPECT_EQ(ExampleCount("lost"), 100U);
}

TEST_P(FailingDiskStopTest, WhatALogHasIsNotLost) {
  for (const auto& [id, durability] :
       {std::pair("fsync", v1::DURABILITY_FSYNC), std::pair("os", v1::DURABILITY_OS)}) {
    ASSERT_NO_FATAL_FAILURE(Create(id, durability));
    ASSERT_TRUE(Push(id, 3).ok());
  }
  const std::string fsync_digest = client_->ComputeDigest("fsync")->digest;
  const std::string os_digest = client_->ComputeDigest("os")->digest;
  disk_.FailChanges(GetParam());
  EXPECT_TRUE(absl::IsUnavailable(Push("fsync", 1)));
  EXPECT_TRUE(absl::IsUnavailable(Push("os", 1)));
  const ExitState ended = StopInTime();
  EXPECT_EQ(ended.code, 0) << ended.log;
  ASSERT_NO_FATAL_FAILURE(Restart());
  EXPECT_EQ(ExampleCount("fsync"), 300U);
  EXPECT_EQ(ExampleCount("os"), 300U);
  EXPECT_EQ(client_->ComputeDigest("fsync")->digest, fsync_digest);
  EXPECT_EQ(client_->ComputeDigest("os")->digest, os_digest);
}

// A call that does not need the disk does not wait for it. Each call here has a deadline far below
// the duration of a sync, and far above its own.
class SlowDiskTest : public StopDiskTest {
 protected:
  static constexpr absl::Duration kSyncTime = absl::Seconds(40);

  static void ExpectSoon(const std::string& what, const std::function<absl::Status()>& call) {
    const absl::Time begin = absl::Now();
    const absl::Status status = call();
    EXPECT_TRUE(status.ok()) << what << ": " << status;
    EXPECT_LT(absl::Now() - begin, kSyncTime / 4) << what;
  }

  // Creates more models with batches that wait for the disk than the server has log threads.
  void FillWithWaiting() {
    constexpr int kModels = 6;
    for (int i = 0; i < kModels; ++i) {
      ASSERT_NO_FATAL_FAILURE(Create(StrCat("slow", i), v1::DURABILITY_FSYNC));
    }
    for (int i = 0; i < kModels; ++i) loads_.push_back(StartLoad(StrCat("slow", i)));
    for (const auto& load : loads_) ASSERT_NO_FATAL_FAILURE(AwaitAcknowledged(*load, 100));
    disk_.Set({{.call = DiskCall::kSync, .wait = kSyncTime}});
    for (const auto& load : loads_) ASSERT_NO_FATAL_FAILURE(AwaitQueued(load->model()));
  }

  // Lets waiting calls continue, so that the loads can end.
  void TearDown() override {
    disk_.Heal();
    if (server_ != nullptr) server_->Stop();
    loads_.clear();
  }

  std::vector<std::unique_ptr<Load>> loads_;
};

TEST_F(SlowDiskTest, CallsThatDoNotNeedItAreAnsweredAtOnce) {
  ASSERT_NO_FATAL_FAILURE(Create("other", v1::DURABILITY_FSYNC));
  ASSERT_TRUE(Push("other", 3).ok());
  ASSERT_TRUE(client_->CreateSnapshot("other", "kept").ok());
  ASSERT_NO_FATAL_FAILURE(FillWithWaiting());
  // Calls that do need the disk, more than there are threads for them.
  std::vector<std::thread> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.emplace_back(
        [this, i] { client_->CreateModel(StrCat("new", i), SmallLearner()).IgnoreError(); });
    waiting.emplace_back(
        [this, i] { client_->CreateSnapshot("other", StrCat("new", i)).IgnoreError(); });
  }
  EXPECT_TRUE(disk_.AwaitWaiting("/.new-new"));
  EXPECT_TRUE(disk_.AwaitWaiting("/snapshots/"));
  ExampleBatchBuilder asked;
  examples_.Append(10, asked);
  Example example;
  example.Add("field", "value");
  ExpectSoon("ListModels", [&] { return client_->ListModels().status(); });
  for (const std::string model : {"slow0", "other"}) {
    ExpectSoon("GetModel", [&] { return client_->GetModel(model).status(); });
    ExpectSoon("Predict", [&] { return client_->Predict(model, asked).status(); });
    ExpectSoon("Explain", [&] { return client_->Explain(model, example).status(); });
    ExpectSoon("ListTopWeights", [&] { return client_->ListTopWeights(model).status(); });
    ExpectSoon("ComputeDigest", [&] { return client_->ComputeDigest(model).status(); });
    ExpectSoon("ListSnapshots", [&] { return client_->ListSnapshots(model).status(); });
  }
  ExpectSoon("GetSnapshot", [&] { return client_->GetSnapshot("other", "kept").status(); });
  ExpectSoon("ExportSnapshot", [&] {
    std::ostringstream file;
    return client_->ExportSnapshot("other", "kept", file).status();
  });
  httplib::Client http("http://" + server_->http_address());
  for (const std::string page : {"/", "/metrics", "/readyz", "/healthz", "/v1/models"}) {
    ExpectSoon(page, [&] {
      const auto answer = http.Get(page);
      return answer && answer->status == 200 ? absl::OkStatus() : absl::UnknownError("no answer");
    });
  }
  disk_.Heal();
  for (std::thread& thread : waiting) thread.join();
}

// Their work used to run on threads that were blocked by other models' syncs.
TEST_F(SlowDiskTest, ModelsThatDoNotSyncGoOnLearning) {
  ASSERT_NO_FATAL_FAILURE(Create("os", v1::DURABILITY_OS));
  ASSERT_NO_FATAL_FAILURE(Create("none", v1::DURABILITY_NONE));
  ASSERT_NO_FATAL_FAILURE(FillWithWaiting());
  ExpectSoon("none", [&] { return Push("none", 3); });
  ExpectSoon("os", [&] { return Push("os", 3); });
}

}  // namespace
}  // namespace freshet
