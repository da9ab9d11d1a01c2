#include "client/pusher.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "client/client.h"
#include "core/base/str_cat.h"
#include "gtest/gtest.h"
#include "tests/client/fake_server.h"

namespace freshet {
namespace {

std::unique_ptr<Client> ConnectTo(const FakeServer& server) {
  absl::StatusOr<std::unique_ptr<Client>> client =
      Client::Connect({.server = server.address(), .connect_timeout_ms = 60'000});
  EXPECT_TRUE(client.ok()) << client.status();
  return *std::move(client);
}

std::unique_ptr<Pusher> StartPusher(const Client& client, PusherOptions options) {
  options.initial_backoff_ms = 1;
  options.max_backoff_ms = 20;
  absl::StatusOr<std::unique_ptr<Pusher>> pusher = Pusher::Start(client, "ctr", std::move(options));
  EXPECT_TRUE(pusher.ok()) << pusher.status();
  return *std::move(pusher);
}

Example OneFeature(float label) {
  Example example;
  example.label = label;
  example.Add("user", "u1");
  example.Add("stats", "age", 0.5f);
  return example;
}

std::vector<float> UpTo(int count) {
  std::vector<float> labels(static_cast<size_t>(count));
  std::iota(labels.begin(), labels.end(), 0.0f);
  return labels;
}

// Pushes rows with the labels 0 to count - 1.
void PushLabels(Pusher* pusher, int count) {
  for (int i = 0; i < count; ++i) {
    const absl::Status status = pusher->Push(OneFeature(static_cast<float>(i)));
    ASSERT_TRUE(status.ok()) << status;
  }
}

TEST(PusherTest, LearnsEveryExampleOnceAndInOrder) {
  FakeServer server;
  const auto client = ConnectTo(server);
  const auto pusher = StartPusher(*client, {.batch_examples = 7});
  PushLabels(pusher.get(), 1000);
  ASSERT_TRUE(pusher->Close().ok());
  EXPECT_EQ(server.learned(), UpTo(1000));
  const PusherStats stats = pusher->stats();
  EXPECT_EQ(stats.pushed, 1000u);
  EXPECT_EQ(stats.acknowledged, 1000u);
  EXPECT_EQ(stats.unacknowledged, 0u);
  EXPECT_EQ(stats.resent, 0u);
  EXPECT_EQ(stats.offset, 143u);  // Batches of seven.
  EXPECT_GT(stats.sent_bytes, 12'000u);
  EXPECT_LT(stats.sent_bytes, 50'000u);
}

TEST(PusherTest, PushedBatchesAndExamplesKeepTheirOrder) {
  FakeServer server;
  const auto client = ConnectTo(server);
  const auto pusher = StartPusher(*client, {});
  PushLabels(pusher.get(), 3);
  ExampleBatchBuilder batch;
  for (int i = 3; i < 10; ++i) OneFeature(static_cast<float>(i)).AppendTo(&batch);
  ASSERT_TRUE(pusher->PushBatch(batch).ok());
  ASSERT_TRUE(pusher->Push(OneFeature(10)).ok());
  ASSERT_TRUE(pusher->Flush().ok());
  EXPECT_EQ(server.learned(), UpTo(11));
  EXPECT_EQ(pusher->stats().offset, 3u);
}

TEST(PusherTest, SendsAnIncompleteBatchAfterTheLinger) {
  FakeServer server;
  const auto client = ConnectTo(server);
  const auto pusher = StartPusher(*client, {.batch_examples = 1000, .linger_ms = 5});
  PushLabels(pusher.get(), 3);
  server.WaitUntilLearned(3);  // There was no flush.
  EXPECT_EQ(server.learned(), UpTo(3));
}

TEST(PusherTest, NothingIsLostOrLearnedTwiceWhenStreamsBreak) {
  for (const int acknowledge_every : {1, 3}) {
    FakeServer server({.break_after_requests = 5, .acknowledge_every = acknowledge_every});
    const auto client = ConnectTo(server);
    const auto pusher = StartPusher(*client, {.batch_examples = 4});
    PushLabels(pusher.get(), 400);
    ASSERT_TRUE(pusher->Close().ok()) << pusher->status();
    EXPECT_EQ(server.learned(), UpTo(400));
    EXPECT_GT(server.duplicate_count(), 0);
    EXPECT_GT(pusher->stats().resent, 0u);
    EXPECT_GT(pusher->stats().reconnects, 0u);
    EXPECT_EQ(pusher->stats().acknowledged, 400u);
  }
}

TEST(PusherTest, GoesOnThroughARestartOfTheServer) {
  FakeServer server;
  const auto client = ConnectTo(server);
  const auto pusher = StartPusher(*client, {.batch_examples = 10});
  PushLabels(pusher.get(), 100);
  ASSERT_TRUE(pusher->Flush().ok());
  server.Stop();
  std::thread restart([&server] { server.Restart(); });
  for (int i = 100; i < 200; ++i) {
    ASSERT_TRUE(pusher->Push(OneFeature(static_cast<float>(i))).ok());
  }
  EXPECT_TRUE(pusher->Close().ok()) << pusher->status();
  restart.join();
  EXPECT_EQ(server.learned(), UpTo(200));
}

TEST(PusherTest, AnAcknowledgementCoversEarlierSequences) {
  FakeServer server({.acknowledge_every = 10});
  const auto client = ConnectTo(server);
  const auto pusher = StartPusher(*client, {.batch_examples = 1});
  PushLabels(pusher.get(), 95);
  ASSERT_TRUE(pusher->stats().acknowledged <= 90);
  server.WaitUntilLearned(95);
  PushLabels(pusher.get(), 5);
  ASSERT_TRUE(pusher->Flush().ok());
  EXPECT_EQ(pusher->stats().acknowledged, 100u);
}

TEST(PusherTest, HoldsTheCallerBackWhileTheWindowIsFull) {
  FakeServer server;
  server.HoldAnswers();
  const auto client = ConnectTo(server);
  const auto pusher =
      StartPusher(*client, {.batch_examples = 5, .max_unacknowledged_examples = 20});
  std::thread caller([&pusher] { PushLabels(pusher.get(), 100); });
  while (!pusher->stats().waiting) std::this_thread::yield();
  EXPECT_EQ(pusher->stats().pushed, 20u);
  EXPECT_EQ(pusher->stats().unacknowledged, 20u);
  server.ReleaseAnswers();
  caller.join();
  ASSERT_TRUE(pusher->Close().ok());
  EXPECT_EQ(server.learned(), UpTo(100));
}

TEST(PusherTest, WaitsForAGivenTimeOnly) {
  FakeServer server;
  server.HoldAnswers();
  const auto client = ConnectTo(server);
  const auto pusher =
      StartPusher(*client, {.batch_examples = 5, .max_unacknowledged_examples = 20});
  EXPECT_TRUE(pusher->WaitForRoom(std::chrono::milliseconds(0)));
  PushLabels(pusher.get(), 20);
  EXPECT_FALSE(pusher->WaitForRoom(std::chrono::milliseconds(1)));
  absl::StatusOr<bool> settled = pusher->FlushFor(std::chrono::milliseconds(1));
  ASSERT_TRUE(settled.ok());
  EXPECT_FALSE(*settled);
  server.ReleaseAnswers();
  EXPECT_TRUE(pusher->WaitForRoom(std::chrono::seconds(60)));
  settled = pusher->FlushFor(std::chrono::seconds(60));
  ASSERT_TRUE(settled.ok());
  EXPECT_TRUE(*settled);
  EXPECT_EQ(server.learned(), UpTo(20));
  ASSERT_TRUE(pusher->Close().ok());
}

TEST(PusherTest, AWindowSmallerThanABatchDoesNotBlockForEver) {
  FakeServer server;
  const auto client = ConnectTo(server);
  const auto pusher = StartPusher(
      *client, {.batch_examples = 100, .linger_ms = 60'000, .max_unacknowledged_examples = 3});
  PushLabels(pusher.get(), 10);
  ASSERT_TRUE(pusher->Close().ok());
  EXPECT_EQ(server.learned(), UpTo(10));
}

TEST(PusherTest, DropsRejectedRowsAndLearnsTheOthers) {
  FakeServer server({.reject_negative_labels = true});
  const auto client = ConnectTo(server);
  std::vector<uint64_t> rejected;
  PusherOptions options{.batch_examples = 100, .skip_bad_rows = true};
  options.on_rejected = [&rejected](const RejectedRow& row) {
    EXPECT_EQ(row.field, "label");
    EXPECT_EQ(row.reason, "it must not be negative");
    rejected.push_back(row.index);
  };
  const auto pusher = StartPusher(*client, std::move(options));
  std::vector<float> good;
  std::vector<uint64_t> bad;
  for (int i = 0; i < 100; ++i) {
    // More bad rows than one answer can name.
    const bool is_bad = i % 3 == 0;
    ASSERT_TRUE(pusher->Push(OneFeature(is_bad ? -1.0f : static_cast<float>(i))).ok());
    if (is_bad) {
      bad.push_back(static_cast<uint64_t>(i));
    } else {
      good.push_back(static_cast<float>(i));
    }
  }
  ASSERT_TRUE(pusher->Close().ok()) << pusher->status();
  EXPECT_EQ(server.learned(), good);
  EXPECT_EQ(rejected, bad);
  EXPECT_EQ(pusher->stats().rejected, bad.size());
  EXPECT_EQ(pusher->stats().acknowledged, good.size());
  EXPECT_EQ(pusher->stats().unacknowledged, 0u);
}

TEST(PusherTest, ARejectedRowEndsThePushWithItsPlaceFieldAndReason) {
  FakeServer server({.reject_negative_labels = true});
  const auto client = ConnectTo(server);
  const auto pusher = StartPusher(*client, {.batch_examples = 4});
  PushLabels(pusher.get(), 5);
  ASSERT_TRUE(pusher->Push(OneFeature(-1)).ok());
  const absl::Status status = pusher->Flush();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_EQ(status.message(), "row 6 was rejected: label: it must not be negative");
  EXPECT_EQ(pusher->Push(OneFeature(1)), status);
  EXPECT_EQ(pusher->Close(), status);
  EXPECT_EQ(server.learned(), UpTo(4));
  EXPECT_EQ(pusher->stats().acknowledged, 4u);
}

TEST(PusherTest, GivesPredictionsInTheOrderOfTheStream) {
  FakeServer server({.reject_negative_labels = true});
  const auto client = ConnectTo(server);
  std::vector<float> predictions;
  std::vector<float> scores;
  PusherOptions options{.batch_examples = 3, .skip_bad_rows = true};
  options.on_predictions = [&](const PushedPredictions& rows) {
    EXPECT_EQ(rows.first_index, predictions.size());
    predictions.insert(predictions.end(), rows.predictions.begin(), rows.predictions.end());
    scores.insert(scores.end(), rows.scores.begin(), rows.scores.end());
  };
  const auto pusher = StartPusher(*client, std::move(options));
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(pusher->Push(OneFeature(i == 4 ? -1.0f : static_cast<float>(i))).ok());
  }
  ASSERT_TRUE(pusher->Flush().ok());
  ASSERT_EQ(predictions.size(), 20u);
  for (size_t i = 0; i < 20; ++i) {
    if (i == 4) {
      EXPECT_TRUE(std::isnan(predictions[i]));
      continue;
    }
    EXPECT_EQ(predictions[i], static_cast<float>(i) + 0.5f);
    EXPECT_EQ(scores[i], static_cast<float>(i) + 0.25f);
  }
}

TEST(PusherTest, PredictionsLostWithTheConnectionAreNaN) {
  FakeServer server({.break_after_requests = 2});
  const auto client = ConnectTo(server);
  std::vector<float> predictions;
  PusherOptions options{.batch_examples = 1};
  options.on_predictions = [&](const PushedPredictions& rows) {
    predictions.insert(predictions.end(), rows.predictions.begin(), rows.predictions.end());
  };
  const auto pusher = StartPusher(*client, std::move(options));
  PushLabels(pusher.get(), 10);
  ASSERT_TRUE(pusher->Close().ok());
  EXPECT_EQ(server.learned(), UpTo(10));
  ASSERT_EQ(predictions.size(), 10u);
  int lost = 0;
  for (size_t i = 0; i < 10; ++i) {
    if (std::isnan(predictions[i])) {
      ++lost;
    } else {
      EXPECT_EQ(predictions[i], static_cast<float>(i) + 0.5f);
    }
  }
  EXPECT_GT(lost, 0);
}

TEST(PusherTest, AnErrorThatTryingAgainCannotHelpEndsThePushAtOnce) {
  FakeServer server({.end_status = {grpc::StatusCode::NOT_FOUND, "model \"ctr\" not found"}});
  const auto client = ConnectTo(server);
  const auto pusher = StartPusher(*client, {.batch_examples = 1});
  ASSERT_TRUE(pusher->Push(OneFeature(1)).ok());
  const absl::Status status = pusher->Flush();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_EQ(status.message(), "model \"ctr\" not found");
  EXPECT_EQ(pusher->Close(), status);
}

TEST(PusherTest, GivesUpAfterTheRetryDeadline) {
  FakeServer server;
  const auto client = ConnectTo(server);
  const auto pusher = StartPusher(*client, {.retry_deadline_ms = 50});
  server.Stop();
  ASSERT_TRUE(pusher->Push(OneFeature(1)).ok());
  const absl::Status status = pusher->Close();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_NE(std::string(status.message()).find("is freshetd running?"), std::string::npos)
      << status;
  EXPECT_EQ(pusher->stats().unacknowledged, 1u);
}

TEST(PusherTest, ManyThreadsMayPushAtOnce) {
  FakeServer server({.break_after_requests = 50});
  const auto client = ConnectTo(server);
  const auto pusher = StartPusher(*client, {.batch_examples = 8});
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&pusher, thread] {
      for (int i = 0; i < 500; ++i) {
        const absl::Status status = pusher->Push(OneFeature(static_cast<float>(thread * 500 + i)));
        EXPECT_TRUE(status.ok()) << status;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(pusher->Close().ok());
  std::vector<float> learned = server.learned();
  std::sort(learned.begin(), learned.end());
  EXPECT_EQ(learned, UpTo(2000));
}

TEST(PusherTest, CloseEndsItForGoodAndMayBeRepeated) {
  FakeServer server;
  const auto client = ConnectTo(server);
  const auto pusher = StartPusher(*client, {});
  EXPECT_TRUE(pusher->Close().ok());
  EXPECT_TRUE(pusher->Close().ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(pusher->Push(OneFeature(1))));
}

TEST(PusherTest, DestroyingItWithoutCloseDoesNotWaitForTheServer) {
  FakeServer server;
  server.HoldAnswers();
  const auto client = ConnectTo(server);
  auto pusher = StartPusher(*client, {.batch_examples = 1});
  PushLabels(pusher.get(), 10);
  pusher.reset();
  server.ReleaseAnswers();
}

TEST(PusherTest, DrawsAProducerIdUnlessOneIsGiven) {
  FakeServer server;
  const auto client = ConnectTo(server);
  const auto random = StartPusher(*client, {});
  const auto other = StartPusher(*client, {});
  EXPECT_EQ(random->producer_id().size(), 32u);
  EXPECT_NE(random->producer_id(), other->producer_id());
  const auto named = StartPusher(*client, {.producer_id = "import-7"});
  ASSERT_TRUE(named->Push(OneFeature(1)).ok());
  ASSERT_TRUE(named->Close().ok());
  EXPECT_EQ(server.producers(), std::vector<std::string>{"import-7"});
}

TEST(PusherTest, CountsWhatAProducerHadPushedBefore) {
  FakeServer server;
  const auto client = ConnectTo(server);
  for (const uint64_t duplicates : {0u, 10u}) {
    const auto pusher = StartPusher(*client, {.producer_id = "twice", .batch_examples = 5});
    PushLabels(pusher.get(), 10);
    ASSERT_TRUE(pusher->Close().ok());
    EXPECT_EQ(pusher->stats().duplicates, duplicates);
  }
  EXPECT_EQ(server.learned(), UpTo(10));
}

TEST(PusherTest, NamesOptionsThatAreOutOfRange) {
  FakeServer server;
  const auto client = ConnectTo(server);
  const auto message = [&client](PusherOptions options) {
    return std::string(Pusher::Start(*client, "ctr", std::move(options)).status().message());
  };
  EXPECT_EQ(message({.producer_id = "a b"}),
            "producer_id is 'a b'; it must be at most 64 characters of [A-Za-z0-9._-]");
  EXPECT_EQ(message({.batch_examples = 0}), "batch_examples is 0; it must be 1 to 65536");
  EXPECT_EQ(message({.linger_ms = -1}), "linger_ms is -1; it must be 0 to 60000");
}

using Names = std::vector<std::string>;

TEST(PusherTest, SendsEachNameOnce) {
  FakeServer server;
  const auto client = ConnectTo(server);
  const auto pusher = StartPusher(*client, {.batch_examples = 7});
  PushLabels(pusher.get(), 100);
  NewNames names;
  ExampleBatchBuilder batch;
  batch.KeepNames(&names);
  for (const char* user : {"u1", "u2", "u1"}) {
    batch.BeginRow(1, 1);
    batch.AddFeature(batch.Namespace("of a batch"), user, static_cast<uint32_t>(user[1]), 1);
    batch.EndRow();
  }
  ASSERT_TRUE(pusher->PushBatch(batch).ok());
  ASSERT_TRUE(pusher->PushBatch(batch).ok());
  ASSERT_TRUE(pusher->Close().ok());
  EXPECT_EQ(server.names(), Names({"user^u1", "stats^age", "of a batch^u1", "of a batch^u2"}));
  EXPECT_EQ(names.size(), 0U);
}

TEST(PusherTest, SendsNamesThatComeLateWhereTheyComeOften) {
  FakeServer server;
  const auto client = ConnectTo(server);
  const auto pusher = StartPusher(*client, {});
  PushLabels(pusher.get(), static_cast<int>(NewNames::kFirstRows));
  for (int i = 0; i < 400; ++i) {
    Example example;
    example.Add("late", "often");
    example.Add("late", StrCat("once", i));
    ASSERT_TRUE(pusher->Push(example).ok());
  }
  ASSERT_TRUE(pusher->Close().ok());
  const Names names = server.names();
  EXPECT_NE(std::find(names.begin(), names.end(), "late^often"), names.end());
  EXPECT_GT(names.size(), 20U);
  EXPECT_LT(names.size(), 100U);
}

TEST(PusherTest, SendsTheNamesOfALostBatchAgainWithIt) {
  FakeServer server({.break_after_requests = 1});
  const auto client = ConnectTo(server);
  const auto pusher = StartPusher(*client, {.batch_examples = 7});
  PushLabels(pusher.get(), 50);
  ASSERT_TRUE(pusher->Close().ok());
  EXPECT_EQ(server.names(), Names({"user^u1", "stats^age"}));
}

TEST(PusherTest, SendsNoNamesThatTheServerDoesNotKeep) {
  FakeServer server({.max_names = 0});
  const auto client = ConnectTo(server);
  const auto pusher = StartPusher(*client, {});
  ASSERT_TRUE(pusher->Push(OneFeature(1)).ok());
  ASSERT_TRUE(pusher->Flush().ok());  // The client now knows how many names are kept.
  const size_t before = server.names().size();
  Example other = OneFeature(2);
  other.Add("user", "u2");
  ASSERT_TRUE(pusher->Push(other).ok());
  NewNames names;
  ExampleBatchBuilder batch;
  batch.KeepNames(&names);
  other.AppendTo(&batch);
  ASSERT_TRUE(pusher->PushBatch(batch).ok());
  ASSERT_TRUE(pusher->Close().ok());
  EXPECT_EQ(server.names().size(), before);
  EXPECT_EQ(names.limit(), 0U);  // No more names are collected.
}

}  // namespace
}  // namespace freshet
