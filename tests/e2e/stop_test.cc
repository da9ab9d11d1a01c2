// Stopping a busy server: it exits in time with code 0, and the next start has everything that it
// acknowledged.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/pusher.h"
#include "freshet/v1/model_service.grpc.pb.h"
#include "tests/e2e/stop_fixture.h"
#include "tests/support/call_loop.h"
#include "tests/support/half_import.h"
#include "tests/support/heavy_calls.h"
#include "tests/support/random_examples.h"

namespace freshet {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// The server used to abort with "Mutex corrupt", or never exit: the thread pools ended one after
// the other while queued work still moved from one pool to the next.
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

// Clients that began to read or send a snapshot and then do nothing more.
TEST_F(StopTest, SnapshotsHalfReadAndHalfSentHoldNoStopUp) {
  ASSERT_NO_FATAL_FAILURE(StartWithConfig(kShortGrace));
  ASSERT_NO_FATAL_FAILURE(CreateModel("big", 20));
  {
    auto pusher = Pusher::Start(*client_, "big", {});
    ASSERT_TRUE(pusher.ok()) << pusher.status();
    ExampleBatchBuilder batch;
    for (uint32_t row = 0; row < 4000; ++row) {  // Enough weights for many pieces.
      batch.BeginRow(1.0f, 1.0f);
      for (uint32_t i = 0; i < 200; ++i) {
        batch.AddFeature(batch.Namespace("x"), (row * 200 + i) * 2654435761U, 1.0f);
      }
      batch.EndRow();
    }
    ASSERT_TRUE((*pusher)->PushBatch(batch).ok());
    ASSERT_TRUE((*pusher)->Close().ok());
  }
  const auto snapshot = client_->CreateSnapshot("big", "big");
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  ASSERT_GT(snapshot->size_bytes(), uint64_t{4} << 20);
  const auto stub = v1::ModelService::NewStub(client_->channel());
  grpc::ClientContext reading;
  v1::ExportSnapshotRequest wanted;
  wanted.set_name(snapshot->name());
  const auto reader = stub->ExportSnapshot(&reading, wanted);
  v1::ExportSnapshotResponse piece;
  ASSERT_TRUE(reader->Read(&piece));
  HalfImport import(*client_, "big", piece.data());
  ASSERT_TRUE(import.is_sent());
  const ExitState ended = StopInTime();
  EXPECT_EQ(ended.code, 0) << ended.log;
  EXPECT_THAT(ended.log, HasSubstr("event=stopped"));
  while (reader->Read(&piece)) {
  }
  EXPECT_FALSE(reader->Finish().ok());
  EXPECT_FALSE(import.Finish().ok());
}

TEST_F(StopTest, CallsThatTakeLongHoldNoStopUp) {
  ASSERT_NO_FATAL_FAILURE(StartWithConfig(kShortGrace));
  ASSERT_TRUE(client_->CreateModel("wide", CombiningLearner()).ok());
  std::vector<std::unique_ptr<CallLoop>> loads;
  for (const CallLoop::Call& call :
       {ExplainCallOf(*client_, "models/wide", WideExample(45)),
        PredictCallOf(*client_, ReadablePrediction("wide", size_t{4} << 20, 45)),
        PredictCallOf(*client_, PackedPrediction("wide", 65'536)), DigestCallOf(*client_, "wide"),
        DescribeCallOf(*client_, "wide")}) {
    loads.push_back(std::make_unique<CallLoop>(2, call));
  }
  // Descriptions are answered beside the other calls, which were sent long before the last
  // description.
  const absl::Time deadline = absl::Now() + absl::Seconds(120);
  while (loads.back()->latencies_ms().size() < 5) {
    ASSERT_LT(absl::Now(), deadline);
    absl::SleepFor(absl::Milliseconds(2));
  }
  const ExitState ended = StopInTime();
  EXPECT_EQ(ended.code, 0) << ended.log;
  EXPECT_THAT(ended.log, HasSubstr("event=stopped"));
}

// A server whose log goes to a pipe.
class PipedLogTest : public StopTest {
 protected:
  void SetUp() override {
    ASSERT_EQ(mkfifo(pipe_.c_str(), 0600), 0);
    reader_ = open(pipe_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    ASSERT_GE(reader_, 0);
    WriteConfig(kShortGrace);
    auto server = ServerProcess::StartProgram({"/bin/sh", "-c", R"(exec "$0" "$@" 2> )" + pipe_,
                                               BinaryDir() + "/freshetd", "--listen=127.0.0.1:0",
                                               "--http=127.0.0.1:0", "--data-dir=" + data_dir_,
                                               "--config=" + folder_.path() + "/config"});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    auto client = Client::Connect({.server = server_->address()});
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  void TearDown() override { close(reader_); }

  // Writes until there is no room for one more byte.
  void Fill() const {
    for (size_t size = 4096; size > 0;) {
      const std::string text(size, '\n');
      if (write(reader_, text.data(), text.size()) < 0) size /= 2;
    }
  }

  // All that is in the pipe.
  std::string Read() const {
    std::string text;
    std::array<char, 4096> piece{};
    for (ssize_t size = 0; (size = read(reader_, piece.data(), piece.size())) > 0;) {
      text.append(piece.data(), static_cast<size_t>(size));
    }
    return text;
  }

  const std::string pipe_ = folder_.path() + "/pipe";
  int reader_ = -1;
};

// Log lines used to wait for the reader of the pipe, and so did every thread that wrote one.
TEST_F(PipedLogTest, APipeThatNobodyReadsHoldsUpNeitherCallsNorAStop) {
  ASSERT_NO_FATAL_FAILURE(Create("none", v1::DURABILITY_NONE));
  EXPECT_THAT(Read(), HasSubstr("event=model_created model=models/none"));
  Fill();
  const absl::Time begin = absl::Now();
  for (const std::string id : {"a", "b", "c", "d"}) {
    ASSERT_NO_FATAL_FAILURE(Create(id, v1::DURABILITY_OS));
  }
  EXPECT_LT(absl::Now() - begin, absl::Seconds(20));
  Read();
  ASSERT_TRUE(client_->CreateSnapshot("a").ok());
  EXPECT_THAT(Read(), AllOf(HasSubstr("event=log_lines_dropped count="),
                            HasSubstr("event=snapshot name=models/a/snapshots/")));

  auto pusher = Pusher::Start(*client_, "none", {});
  ASSERT_TRUE(pusher.ok()) << pusher.status();
  ExampleBatchBuilder batch;
  RandomExamples(1).Append(100, batch);
  ASSERT_TRUE((*pusher)->PushBatch(batch).ok());
  ASSERT_TRUE((*pusher)->Close().ok());
  Fill();
  EXPECT_EQ(StopInTime().code, 0) << Read();
  ASSERT_NO_FATAL_FAILURE(StartWithConfig(kShortGrace));
  EXPECT_EQ(client_->GetModel("none")->example_count(), 100U);
}

}  // namespace
}  // namespace freshet
