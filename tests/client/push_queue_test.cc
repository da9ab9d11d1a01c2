#include "client/push_queue.h"

#include <memory>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "client/packed_encoder.h"
#include "gtest/gtest.h"

namespace freshet {
namespace {

Example Labelled(float label) {
  Example example;
  example.label = label;
  example.Add("user", "u1");
  return example;
}

void PushLabels(PushQueue* queue, int count) {
  for (int i = 0; i < count; ++i) {
    ASSERT_TRUE(queue->Push(Labelled(static_cast<float>(i))).ok());
  }
}

// Takes the next batch, encodes it, and pretends that it was written.
std::shared_ptr<PendingBatch> Send(PushQueue* queue) {
  std::shared_ptr<PendingBatch> batch = queue->NextBatch();
  if (batch == nullptr) return nullptr;
  v1::LearnRequest& request = batch->request;
  if (batch->builder != nullptr) {
    EncodePackedBatch(*batch->builder, PackedLabels::kKeep, request.mutable_packed());
  }
  request.ByteSizeLong();  // Writing a message caches its size.
  queue->EndWrite(batch.get(), true);
  return batch;
}

void Acknowledge(PushQueue* queue, uint64_t sequence) {
  v1::LearnResponse response;
  response.set_sequence(sequence);
  auto settled = queue->Apply(response);
  ASSERT_TRUE(settled.has_value());
  queue->Delivered(*std::move(settled));
}

// Long enough that no batch is sent because of its age.
constexpr int64_t kLongMs = 60'000;

TEST(PushQueueTest, GivesFullBatchesInOrder) {
  const PusherOptions options{.batch_examples = 3, .linger_ms = kLongMs};
  PushQueue queue(options);
  EXPECT_FALSE(queue.HasWork());
  PushLabels(&queue, 7);
  EXPECT_TRUE(queue.HasWork());
  ASSERT_TRUE(queue.BeginStream());
  for (uint64_t i = 0; i < 2; ++i) {
    const std::shared_ptr<PendingBatch> batch = Send(&queue);
    ASSERT_NE(batch, nullptr);
    EXPECT_EQ(batch->sequence, i + 1);
    EXPECT_EQ(batch->first_index, 3 * i);
    EXPECT_EQ(batch->row_count, 3U);
  }
  EXPECT_FALSE(queue.AllAnswered());
  Acknowledge(&queue, 2);
  EXPECT_TRUE(queue.AllAnswered());
  const PusherStats stats = queue.stats();
  EXPECT_EQ(stats.pushed, 7U);
  EXPECT_EQ(stats.acknowledged, 6U);
  EXPECT_EQ(stats.unacknowledged, 1U);
  EXPECT_GT(stats.sent_bytes, 6 * sizeof(float));
}

TEST(PushQueueTest, GivesASmallBatchOnceItHasLingeredOrTheQueueCloses) {
  const PusherOptions at_once{.linger_ms = 0};
  PushQueue queue(at_once);
  PushLabels(&queue, 1);
  ASSERT_TRUE(queue.BeginStream());
  EXPECT_EQ(Send(&queue)->row_count, 1U);

  const PusherOptions late{.linger_ms = kLongMs};
  PushQueue closed(late);
  PushLabels(&closed, 2);
  closed.Close();
  ASSERT_TRUE(closed.BeginStream());
  EXPECT_EQ(Send(&closed)->row_count, 2U);
  EXPECT_EQ(Send(&closed), nullptr);
  EXPECT_TRUE(closed.WaitForWork());  // The sent batch is not acknowledged.
  Acknowledge(&closed, 1);
  EXPECT_FALSE(closed.WaitForWork());
  EXPECT_EQ(closed.Push(Labelled(1)).code(), absl::StatusCode::kFailedPrecondition);
}

TEST(PushQueueTest, GivesTheNextStreamWhatWasNotAcknowledged) {
  const PusherOptions options{.batch_examples = 1};
  PushQueue queue(options);
  PushLabels(&queue, 3);
  ASSERT_TRUE(queue.BeginStream());
  for (int i = 0; i < 2; ++i) Send(&queue);
  Acknowledge(&queue, 1);
  queue.EndStream();
  EXPECT_EQ(queue.NextBatch(), nullptr);
  EXPECT_TRUE(queue.Disconnected());
  EXPECT_FALSE(queue.Disconnected());  // No answer came since the last call.
  EXPECT_FALSE(queue.stats().connected);
  ASSERT_TRUE(queue.BeginStream());
  EXPECT_EQ(Send(&queue)->sequence, 2U);
  EXPECT_EQ(Send(&queue)->sequence, 3U);
  Acknowledge(&queue, 3);
  const PusherStats stats = queue.stats();
  EXPECT_EQ(stats.resent, 1U);
  EXPECT_EQ(stats.reconnects, 1U);
  EXPECT_EQ(stats.acknowledged, 3U);
  EXPECT_TRUE(stats.connected);
}

// Numbered rows keep their numbers, so that the order of the batches is not that of the numbers.
TEST(PushQueueTest, ARejectedBatchOfNumberedRowsIsSentAgainUnderItsNumbers) {
  const PusherOptions options{.skip_bad_rows = true};
  PushQueue queue(options);
  ASSERT_TRUE(queue.BeginStream());
  for (uint64_t batch = 0; batch < 3; ++batch) {
    ExampleBatchBuilder rows;
    for (int row = 0; row < 2; ++row) Labelled(1).AppendTo(&rows);
    ASSERT_TRUE(queue.PushBatch(rows, {10 * batch + 1, 10 * batch + 10}).ok());
    const std::shared_ptr<PendingBatch> sent = Send(&queue);
    EXPECT_EQ(sent->sequence, 10 * batch + 10);
  }
  v1::LearnResponse rejection;
  rejection.set_sequence(10);
  rejection.mutable_error()->set_code(3);
  rejection.mutable_error()->add_rows()->set_row(0);
  ASSERT_TRUE(queue.Apply(rejection).has_value());
  const std::shared_ptr<PendingBatch> again = Send(&queue);
  EXPECT_EQ(again->sequence, 10U);
  EXPECT_EQ(again->numbers.first, 1U);
  Acknowledge(&queue, 20);  // Does not cover the batch that was sent again later.
  EXPECT_EQ(queue.stats().acknowledged, 2U);
  queue.EndStream();
  ASSERT_TRUE(queue.BeginStream());
  EXPECT_EQ(Send(&queue)->sequence, 30U);
  EXPECT_EQ(Send(&queue)->sequence, 10U);
  Acknowledge(&queue, 10);  // Does not cover the higher one before it.
  EXPECT_EQ(queue.stats().acknowledged, 3U);
  Acknowledge(&queue, 30);
  EXPECT_TRUE(queue.AllAnswered());
  EXPECT_EQ(queue.stats().acknowledged, 5U);
  EXPECT_EQ(queue.stats().rejected, 1U);
}

TEST(PushQueueTest, HoldsCallersBackWhileTheWindowIsFull) {
  const PusherOptions options{
      .batch_examples = 10, .linger_ms = kLongMs, .max_unacknowledged_examples = 2};
  PushQueue queue(options);
  PushLabels(&queue, 2);
  std::thread caller([&queue] { PushLabels(&queue, 1); });
  ASSERT_TRUE(queue.BeginStream());
  EXPECT_EQ(Send(&queue)->row_count, 2U);  // Sent early because a caller waits.
  EXPECT_TRUE(queue.stats().waiting);
  EXPECT_EQ(queue.stats().pushed, 2U);
  Acknowledge(&queue, 1);
  caller.join();
  EXPECT_EQ(queue.stats().pushed, 3U);
  EXPECT_FALSE(queue.stats().waiting);
}

TEST(PushQueueTest, FlushWaitsUntilWhatWasSettledIsDelivered) {
  const PusherOptions options{.linger_ms = kLongMs};
  PushQueue queue(options);
  PushLabels(&queue, 2);
  std::thread caller([&queue] { EXPECT_TRUE(queue.Flush().ok()); });
  ASSERT_TRUE(queue.BeginStream());
  EXPECT_EQ(Send(&queue)->row_count, 2U);
  Acknowledge(&queue, 1);
  caller.join();
}

TEST(PushQueueTest, TheFirstErrorEndsItForAll) {
  const PusherOptions options{.linger_ms = kLongMs, .max_unacknowledged_examples = 1};
  PushQueue queue(options);
  PushLabels(&queue, 1);
  std::thread caller([&queue] { EXPECT_TRUE(absl::IsNotFound(queue.Push(Labelled(1)))); });
  queue.Fail(absl::NotFoundError("no model"));
  queue.Fail(absl::InternalError("another"));
  caller.join();
  ASSERT_TRUE(queue.BeginStream());
  EXPECT_EQ(queue.NextBatch(), nullptr);
  EXPECT_FALSE(queue.WaitForWork());
  EXPECT_FALSE(queue.WaitUntil(PushQueue::Clock::time_point::max()));
  EXPECT_TRUE(absl::IsNotFound(queue.Flush()));
}

TEST(PushQueueTest, OnceCancelledItAppliesNoAnswers) {
  const PusherOptions options{.batch_examples = 1};
  PushQueue queue(options);
  PushLabels(&queue, 1);
  ASSERT_TRUE(queue.BeginStream());
  const std::shared_ptr<PendingBatch> writing = queue.NextBatch();
  ASSERT_NE(writing, nullptr);
  queue.Cancel(absl::CancelledError("gone"));
  v1::LearnResponse response;
  response.set_sequence(1);
  EXPECT_FALSE(queue.Apply(response).has_value());  // It does not wait for the write either.
  EXPECT_FALSE(queue.BeginStream());
  EXPECT_TRUE(absl::IsCancelled(queue.status()));
}

}  // namespace
}  // namespace freshet
