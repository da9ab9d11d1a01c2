#include "server/model/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "server/view/learner_spec.h"
#include "server/view/model_state.h"
#include "tests/server/view/state_bytes.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

v1::Model PipelineSpec() {
  v1::Model spec;
  spec.set_name("models/test");
  v1::LearnerSpec learner;
  learner.set_loss(v1::LOSS_LOGISTIC);
  learner.set_bits(10);
  *spec.add_variants()->mutable_learner() = ResolveLearnerSpec(learner).value();
  return spec;
}

// A message with one example per label.
std::unique_ptr<BatchRecord> Message(const std::string& producer, uint64_t sequence,
                                     const std::vector<float>& labels) {
  v1::LearnRequest request;
  request.set_model("models/test");
  request.set_producer_id(producer);
  request.set_sequence(sequence);
  request.set_return_predictions(true);
  v1::PackedBatch& packed = *request.mutable_packed();
  packed.add_namespaces("");
  packed.add_segment_sizes(1);
  for (size_t i = 0; i < labels.size(); ++i) {
    packed.add_labels(labels[i]);
    packed.add_feature_ids(static_cast<uint32_t>(i % 3));
  }
  auto message = BatchRecord::Parse(SharedBytes::Of(request.SerializeAsString()));
  v1::BatchError error;
  EXPECT_TRUE(message->Decode(LossKind::kLogistic, {}, error)) << error.message();
  return message;
}

// Gathers outcomes and waits for them.
class Outcomes {
 public:
  Pipeline::LearnCallback Callback() {
    return [this](LearnOutcome outcome) {
      absl::MutexLock lock(&mu_);
      outcomes_.push_back(std::move(outcome));
    };
  }

  std::vector<LearnOutcome> Await(size_t count) {
    const auto enough = [this, count]()
                            ABSL_SHARED_LOCKS_REQUIRED(mu_) { return outcomes_.size() >= count; };
    absl::MutexLock lock(&mu_, absl::Condition(&enough));
    return outcomes_;
  }

 private:
  absl::Mutex mu_;
  std::vector<LearnOutcome> outcomes_ ABSL_GUARDED_BY(mu_);
};

void Ignore(const ModelState& /*state*/, const Record* /*record*/) {}

class PipelineTest : public testing::Test {
 protected:
  std::shared_ptr<Pipeline> Start(uint64_t max_queue_bytes = 1 << 20) {
    return Pipeline::Start(ModelState::Create(PipelineSpec()).value(), nullptr, learners_,
                           {.max_queue_bytes = max_queue_bytes, .clock = absl::Now}, Ignore);
  }

  // Keeps the strand busy until `release` is notified.
  static void Block(Pipeline& pipeline, std::latch& release) {
    std::latch running(1);
    pipeline.RunOnWriter([&](ModelState&) {
      running.count_down();
      release.wait();
    });
    running.wait();
  }

  static std::string DigestOf(Pipeline& pipeline) {
    std::string digest;
    std::latch done(1);
    pipeline.RunOnWriter([&](ModelState& state) {
      digest = state.ComputeDigest();
      done.count_down();
    });
    done.wait();
    return digest;
  }

  Outcomes outcomes_;
  WorkerPool learners_{"test", 2};
};

TEST_F(PipelineTest, AnswersInOrderWithOffsetsWithoutGaps) {
  const auto pipeline = Start();
  for (uint64_t i = 1; i <= 100; ++i) {
    EXPECT_TRUE(pipeline->Submit(Message("p", i, {1, 0}), outcomes_.Callback()));
  }
  const std::vector<LearnOutcome> outcomes = outcomes_.Await(100);
  for (uint64_t i = 0; i < 100; ++i) {
    EXPECT_TRUE(outcomes[i].status.ok());
    EXPECT_EQ(outcomes[i].offset, i + 1);
    EXPECT_FALSE(outcomes[i].duplicate);
    EXPECT_EQ(outcomes[i].scores.size(), 2U);
  }
  EXPECT_EQ(outcomes[0].scores[0], 0);
  EXPECT_NE(outcomes[99].scores[0], 0);
}

TEST_F(PipelineTest, AResentBatchIsAcknowledgedAndNotLearnedAgain) {
  const auto pipeline = Start();
  pipeline->Submit(Message("p", 1, {1}), outcomes_.Callback());
  pipeline->Submit(Message("p", 5, {1}), outcomes_.Callback());
  outcomes_.Await(2);
  const std::string digest = DigestOf(*pipeline);
  pipeline->Submit(Message("p", 5, {1}), outcomes_.Callback());
  pipeline->Submit(Message("p", 1, {1}), outcomes_.Callback());
  const std::vector<LearnOutcome> outcomes = outcomes_.Await(4);
  EXPECT_TRUE(outcomes[2].duplicate);
  EXPECT_TRUE(outcomes[3].duplicate);
  EXPECT_TRUE(outcomes[2].scores.empty());
  EXPECT_EQ(DigestOf(*pipeline), digest);
  pipeline->Submit(Message("q", 5, {1}), outcomes_.Callback());  // Another producer.
  EXPECT_FALSE(outcomes_.Await(5)[4].duplicate);
}

TEST_F(PipelineTest, ABatchThatComesLateIsLearned) {
  const auto pipeline = Start();
  for (const uint64_t sequence : {1, 5, 3}) {
    pipeline->Submit(Message("p", sequence, {1}), outcomes_.Callback());
  }
  const LearnOutcome late = outcomes_.Await(3)[2];
  EXPECT_TRUE(late.status.ok()) << late.status;
  EXPECT_FALSE(late.duplicate);
  EXPECT_EQ(late.offset, 3U);
  pipeline->Submit(Message("p", 3, {1}), outcomes_.Callback());
  EXPECT_TRUE(outcomes_.Await(4)[3].duplicate);
}

TEST_F(PipelineTest, ARejectedBatchIsNoMoreThanItsOwnEnd) {
  const auto pipeline = Start();
  pipeline->Submit(Message("p", 1, {1}), outcomes_.Callback(), "alice");
  pipeline->Submit(Message("p", ~uint64_t{0}, {1}), outcomes_.Callback(), "alice");
  pipeline->Submit(Message("p", 2, {1}), outcomes_.Callback(), "bob");
  pipeline->Submit(Message("p", 2, {1}), outcomes_.Callback(), "alice");
  const auto outcomes = outcomes_.Await(4);  // Rejections overtake what is learned.
  EXPECT_EQ(std::count_if(outcomes.begin(), outcomes.end(),
                          [](const LearnOutcome& outcome) { return outcome.rejected; }),
            2);
  EXPECT_EQ(std::count_if(outcomes.begin(), outcomes.end(),
                          [](const LearnOutcome& outcome) { return outcome.status.ok(); }),
            2);
  EXPECT_EQ(pipeline->accepted_offset(), 2U);
  EXPECT_EQ(pipeline->producer_counts().known, 1U);
}

TEST_F(PipelineTest, AResendIsNotAcknowledgedBeforeTheBatchItRepeats) {
  const auto pipeline = Start();
  std::latch release(1);
  Block(*pipeline, release);
  Outcomes duplicates;
  pipeline->Submit(Message("p", 1, {1}), outcomes_.Callback());
  pipeline->Submit(Message("p", 1, {1}), duplicates.Callback());
  EXPECT_EQ(pipeline->queued_example_count(), 1U);
  release.count_down();
  EXPECT_TRUE(duplicates.Await(1)[0].duplicate);
  EXPECT_EQ(outcomes_.Await(1)[0].offset, 1U);
}

TEST_F(PipelineTest, AFullQueueSaysSoAndCallsWhenThereIsRoom) {
  const auto pipeline = Start(/*max_queue_bytes=*/1);
  std::latch release(1);
  Block(*pipeline, release);
  EXPECT_FALSE(pipeline->Submit(Message("p", 1, {1}), outcomes_.Callback()));
  std::latch room(1);
  pipeline->NotifyWhenRoom([&] { room.count_down(); });
  EXPECT_FALSE(room.try_wait());
  release.count_down();
  room.wait();
  outcomes_.Await(1);
}

TEST_F(PipelineTest, AQueueIsFullByTheMemoryOfItsBatchesAndNotByWhatCame) {
  std::unique_ptr<BatchRecord> message = Message("p", 1, std::vector<float>(1000, 1.0f));
  const uint64_t wire_bytes = message->wire_bytes().size();
  std::atomic<uint64_t> queued_bytes{0};
  const auto pipeline = Pipeline::Start(
      ModelState::Create(PipelineSpec()).value(), nullptr, learners_,
      {.max_queue_bytes = 2 * wire_bytes, .total_queued_bytes = &queued_bytes, .clock = absl::Now},
      Ignore);
  std::latch release(1);
  Block(*pipeline, release);
  EXPECT_FALSE(pipeline->Submit(std::move(message), outcomes_.Callback()));
  EXPECT_GT(queued_bytes, 2 * wire_bytes);
  release.count_down();
  outcomes_.Await(1);
  EXPECT_EQ(queued_bytes, 0U);
}

TEST_F(PipelineTest, CloseFinishesWhatWasAcceptedAndRefusesTheRest) {
  const auto pipeline = Start();
  std::latch release(1);
  Block(*pipeline, release);
  pipeline->Submit(Message("p", 1, {1}), outcomes_.Callback());
  std::latch drained(1);
  pipeline->Close(absl::NotFoundError("gone"), [&] { drained.count_down(); });
  Outcomes refused;
  pipeline->Submit(Message("p", 2, {1}), refused.Callback());
  EXPECT_THAT(std::string(refused.Await(1)[0].status.message()), HasSubstr("gone"));
  release.count_down();
  drained.wait();
  EXPECT_TRUE(outcomes_.Await(1)[0].status.ok());
}

TEST_F(PipelineTest, StopAnswersAtOnceWhatIsInLineAndLeavesTheStateAsItWasAcknowledged) {
  const auto pipeline = Start(/*max_queue_bytes=*/1);
  pipeline->Submit(Message("p", 1, {1}), outcomes_.Callback());
  outcomes_.Await(1);
  const std::string digest = DigestOf(*pipeline);
  std::latch release(1);
  Block(*pipeline, release);
  Outcomes stopped;
  pipeline->Submit(Message("p", 2, {1}), stopped.Callback());
  pipeline->Submit(Message("p", 2, {1}), stopped.Callback());  // A duplicate of what is in line.
  std::latch room(1);
  pipeline->NotifyWhenRoom([&] { room.count_down(); });
  pipeline->Stop(absl::UnavailableError("stopping"));
  for (const LearnOutcome& outcome : stopped.Await(2)) {
    EXPECT_EQ(outcome.status, absl::UnavailableError("stopping"));
  }
  room.wait();
  Outcomes refused;
  pipeline->Submit(Message("p", 3, {1}), refused.Callback());
  EXPECT_EQ(refused.Await(1)[0].status, absl::UnavailableError("stopping"));
  EXPECT_EQ(pipeline->acknowledged_offset(), 1U);
  EXPECT_TRUE(pipeline->stopped());
  release.count_down();
  EXPECT_EQ(DigestOf(*pipeline), digest) << "tasks still run, and find what was acknowledged";
  EXPECT_EQ(pipeline->acknowledged_offset(), 1U);
}

TEST_F(PipelineTest, StopEndsACloseThatWaits) {
  const auto pipeline = Start();
  std::latch release(1);
  Block(*pipeline, release);
  pipeline->Submit(Message("p", 1, {1}), outcomes_.Callback());
  std::latch drained(1);
  pipeline->Close(absl::NotFoundError("gone"), [&] { drained.count_down(); });
  pipeline->Stop(absl::UnavailableError("stopping"));
  release.count_down();
  drained.wait();
  EXPECT_TRUE(absl::IsNotFound(pipeline->closed()));
}

// Each batch is answered once, whatever the strand is at when Stop() comes.
TEST_F(PipelineTest, StopMayComeAtAnyMoment) {
  for (int round = 0; round < 200; ++round) {
    const auto pipeline = Start();
    std::atomic<int> answers{0};
    std::atomic<uint64_t> acknowledged{0};
    std::thread pusher([&] {
      for (uint64_t i = 1; i <= 50; ++i) {
        pipeline->Submit(Message("p", i, {1}), [&](const LearnOutcome& outcome) {
          if (outcome.status.ok()) acknowledged = std::max<uint64_t>(acknowledged, outcome.offset);
          ++answers;
        });
      }
    });
    for (int i = 0; i < round; ++i) std::this_thread::yield();
    pipeline->Stop(absl::UnavailableError("stopping"));
    pusher.join();
    DigestOf(*pipeline);  // The strand is past what it was at.
    EXPECT_EQ(answers, 50);
    EXPECT_EQ(acknowledged, pipeline->acknowledged_offset());
  }
}

TEST_F(PipelineTest, TheStateDoesNotDependOnHowTheStreamIsCut) {
  const auto whole = Start();
  whole->Submit(Message("p", 1, {1, 0, 1}), outcomes_.Callback());
  const auto cut = Start();
  // The same three examples: their ids are 0, 1, 2 in the whole batch, so build them singly.
  for (uint32_t i = 0; i < 3; ++i) {
    v1::LearnRequest request;
    request.set_producer_id("other");
    request.set_sequence(i + 1);
    v1::PackedBatch& packed = *request.mutable_packed();
    packed.add_namespaces("");
    packed.add_segment_sizes(1);
    packed.add_labels(i == 1 ? 0.0f : 1.0f);
    packed.add_feature_ids(i);
    auto message = BatchRecord::Parse(SharedBytes::Of(request.SerializeAsString()));
    v1::BatchError error;
    ASSERT_TRUE(message->Decode(LossKind::kLogistic, {}, error));
    cut->Submit(std::move(message), outcomes_.Callback());
  }
  outcomes_.Await(4);
  EXPECT_EQ(DigestOf(*whole), DigestOf(*cut));
}

TEST_F(PipelineTest, RestoreComesInTurnAndKeepsTheProducers) {
  const auto pipeline = Start();
  pipeline->Submit(Message("p", 1, {1}), outcomes_.Callback());
  outcomes_.Await(1);
  SavedState saved_state;
  std::latch saved(1);
  pipeline->RunOnWriter([&](ModelState& state) {
    saved_state = state.Save();
    saved.count_down();
  });
  saved.wait();
  const std::string digest = DigestOf(*pipeline);
  pipeline->Submit(Message("p", 2, {1, 1, 1}), outcomes_.Callback());

  auto restored = ModelState::Create(PipelineSpec()).value();
  ASSERT_TRUE(restored->Load(BytesOfState(saved_state)).ok());
  pipeline->SubmitRestore({.snapshot_id = "s000001", .file_checksum = {}}, std::move(restored),
                          outcomes_.Callback());
  EXPECT_EQ(outcomes_.Await(3)[2].offset, 3U);
  EXPECT_EQ(DigestOf(*pipeline), digest);
  pipeline->Submit(Message("p", 2, {1, 1, 1}), outcomes_.Callback());
  EXPECT_TRUE(outcomes_.Await(4)[3].duplicate);
}

// Two that ask for something long as soon as they have it took all of the strand once.
TEST_F(PipelineTest, LongTasksThatComeAgainAndAgainLeaveMostOfTheTimeToRecords) {
  constexpr auto kLong = std::chrono::milliseconds(2);
  const auto pipeline = Start();
  std::atomic<bool> stopping{false};
  std::atomic<int> looping{2};
  std::atomic<int64_t> spent_ns{0};
  std::function<void(ModelState&)> task = [&](ModelState&) {
    if (stopping) {
      --looping;
      return;
    }
    const auto begin = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - begin < kLong) continue;
    spent_ns += (std::chrono::steady_clock::now() - begin).count();
    pipeline->RunOnWriter(task, WriterShare::kLong);
  };
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 2; ++i) pipeline->RunOnWriter(task, WriterShare::kLong);
  // One batch at a time, so that the strand rests in between.
  size_t batches = 0;
  while (spent_ns < std::chrono::nanoseconds(20 * kLong).count()) {
    pipeline->Submit(Message("p", ++batches, {1, 0}), outcomes_.Callback());
    outcomes_.Await(batches);
  }
  const int64_t all_ns = (std::chrono::steady_clock::now() - begin).count();
  EXPECT_LT(spent_ns, all_ns / 5);  // A tenth, and what a busy machine adds to the measure.
  stopping = true;
  while (looping > 0) std::this_thread::yield();
}

TEST_F(PipelineTest, ATaskThatWasPutOffRunsThoughNoRecordComes) {
  const auto pipeline = Start();
  std::latch done(3);
  for (int i = 0; i < 3; ++i) {
    pipeline->RunOnWriter(
        [&done](ModelState&) {
          const auto begin = std::chrono::steady_clock::now();
          while (std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(1)) continue;
          done.count_down();
        },
        WriterShare::kLong);
  }
  done.wait();
}

}  // namespace
}  // namespace freshet
