#include "server/model/model_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "server/file/file_system.h"
#include "server/view/label_rule_check.h"
#include "tests/server/model/model_fixture.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kBeginMs = 1'000'000;

v1::Model SpecWithRule(const v1::LabelRule& rule) {
  v1::Model spec = Spec(v1::DURABILITY_OS);
  spec.mutable_variants(0)->set_name("models/ctr/variants/main");
  *spec.mutable_label_rule() = ResolveLabelRule(rule, spec).value();
  return spec;
}

v1::LabelRule WaitOf(uint64_t wait_ms) {
  v1::LabelRule rule;
  rule.set_wait_ms(wait_ms);
  rule.set_horizon_ms(10 * wait_ms);
  return rule;
}

// A model with a label rule whose clock is the test's.
class ModelEventsTest : public testing::Test {
 protected:
  void Create(const v1::Model& spec) {
    served_ = Make();
    served_->Create(spec);
  }
  // As after a crash: nothing is said to the former one.
  void Restart() {
    served_ = nullptr;
    served_ = Make();
    served_->Recover();
  }

  ServedModel& model() { return served_->model(); }

  // Events `first` to `last`, each with one feature, as from Predict.
  LearnOutcome Push(int first, int last) {
    v1::LearnRequest request = Rows(first, last);
    for (int i = first; i <= last; ++i) request.add_event_ids(IdOf(i));
    return Await<LearnOutcome>(
        [&](auto done) { model().TakeEvents(Decoded(request), v1::EventsNote(), done); });
  }
  LearnOutcome PushLabelled(int first, int last, const std::vector<float>& labels) {
    v1::LearnRequest request = Rows(first, last);
    request.set_producer_id("p");
    request.set_sequence(++sequence_);
    request.mutable_packed()->mutable_labels()->Assign(labels.begin(), labels.end());
    return Await<LearnOutcome>([&](auto done) { model().Learn(Decoded(request), done); });
  }
  LearnOutcome Feedback(const std::vector<int>& events) {
    v1::FeedbackRequest request;
    request.set_producer_id("f");
    request.set_sequence(++feedback_sequence_);
    for (const int event : events) request.add_items()->set_event_id(IdOf(event));
    return Await<LearnOutcome>([&](auto done) {
      model().TakeFeedback(ParseFeedback(SharedBytes::Of(request.SerializeAsString())), done);
    });
  }

  void SetClock(int64_t ms) { *now_ms_ = ms; }

  // Waits until no more than so many events wait, and the others are learned.
  void AwaitPending(uint64_t count) {
    const absl::Time deadline = absl::Now() + kPatience;
    while (PipelineOf(model()).pending_rows() != count && absl::Now() < deadline) {
      absl::SleepFor(absl::Milliseconds(1));
    }
    ASSERT_EQ(PipelineOf(model()).pending_rows(), count);
    while (model().offset() != PipelineOf(model()).accepted_offset() && absl::Now() < deadline) {
      absl::SleepFor(absl::Milliseconds(1));
    }
  }
  // Waits until the join has all records.
  v1::LabelFigures Figures() {
    const absl::Time deadline = absl::Now() + kPatience;
    while (true) {
      const v1::Model described = served_->Describe();
      if (described.labels().join_offset() == PipelineOf(model()).accepted_offset()) {
        return described.labels();
      }
      EXPECT_LT(absl::Now(), deadline);
      if (absl::Now() >= deadline) return described.labels();
      absl::SleepFor(absl::Milliseconds(1));
    }
  }

  std::unique_ptr<Served> Make() {
    auto served = std::make_unique<Served>(PosixFileSystem(), kModel, folder_.path());
    served->environment().clock = [now = now_ms_] { return absl::FromUnixMillis(*now); };
    return served;
  }

  static std::string IdOf(int event) { return StrCat("event-", event); }
  static v1::LearnRequest Rows(int first, int last) {
    v1::LearnRequest request;
    v1::PackedBatch& packed = *request.mutable_packed();
    packed.add_namespaces("");
    packed.add_segment_sizes(1);
    packed.set_row_count(static_cast<uint32_t>(last - first + 1));
    for (int i = first; i <= last; ++i) packed.add_feature_ids(static_cast<uint32_t>(i % 7));
    return request;
  }
  static std::unique_ptr<BatchRecord> Decoded(const v1::LearnRequest& request) {
    auto rows = BatchRecord::Parse(SharedBytes::Of(request.SerializeAsString()));
    v1::BatchError error;
    EXPECT_TRUE(rows->Decode(LossKind::kLogistic, {}, error)) << error.message();
    return rows;
  }

  const TemporaryFolder folder_;
  const std::shared_ptr<std::atomic<int64_t>> now_ms_ =
      std::make_shared<std::atomic<int64_t>>(kBeginMs);
  uint64_t sequence_ = 0;
  uint64_t feedback_sequence_ = 0;
  std::unique_ptr<Served> served_;
};

TEST_F(ModelEventsTest, EventsAreLearnedOnceTheirWaitIsOverWithTheLabelThatCame) {
  Create(SpecWithRule(WaitOf(1000)));
  ASSERT_TRUE(Push(1, 20).status.ok());
  ASSERT_TRUE(Feedback({3, 5}).status.ok());
  EXPECT_EQ(Figures().pending_count(), 20U);
  EXPECT_EQ(served_->Describe().example_count(), 0U) << "the wait is not over";
  SetClock(kBeginMs + 1000);
  AwaitPending(0);
  const v1::LabelFigures figures = Figures();
  EXPECT_EQ(figures.matched_count(), 2U);
  EXPECT_EQ(figures.defaulted_count(), 18U);
  EXPECT_EQ(served_->Describe().example_count(), 20U);
  EXPECT_EQ(served_->Describe().variants(0).metrics().label_mean(), 0.1);
}

TEST_F(ModelEventsTest, TheModelIsThatOfTheSameRowsWithLabels) {
  Create(SpecWithRule(WaitOf(0)));
  std::vector<float> labels;
  for (int first = 0; first < 200; first += 10) {
    ASSERT_TRUE(Feedback({first + 2, first + 5}).status.ok()) << "before its event";
    ASSERT_TRUE(Push(first, first + 9).status.ok());
    AwaitPending(0);
  }
  const std::string digest = served_->Digest().digest();

  const TemporaryFolder other;
  served_ = std::make_unique<Served>(PosixFileSystem(), kModel, other.path());
  served_->Create(Spec(v1::DURABILITY_OS));
  for (int first = 0; first < 200; first += 10) {
    ASSERT_TRUE(PushLabelled(first, first + 9, {0, 0, 1, 0, 0, 1, 0, 0, 0, 0}).status.ok());
  }
  EXPECT_EQ(served_->Digest().digest(), digest);
  served_ = nullptr;
}

TEST_F(ModelEventsTest, ACrashAtAnyPointGivesTheUndisturbedModel) {
  std::string undisturbed;
  for (const bool disturbed : {false, true}) {
    const TemporaryFolder folder;
    sequence_ = feedback_sequence_ = 0;
    SetClock(kBeginMs);
    const auto make = [&] {
      auto served = std::make_unique<Served>(PosixFileSystem(), kModel, folder.path());
      served->environment().clock = [now = now_ms_] { return absl::FromUnixMillis(*now); };
      return served;
    };
    served_ = make();
    served_->Create(SpecWithRule(WaitOf(50)));
    std::mt19937 random(1);
    for (int step = 0; step < 60; ++step) {
      const int first = step * 5;
      ASSERT_TRUE(Push(first, first + 4).status.ok());
      ASSERT_TRUE(Feedback({first + static_cast<int>(random() % 5)}).status.ok());
      if (step % 3 == 2) {
        ASSERT_TRUE(PushLabelled(first, first, {1}).status.ok());
      }
      SetClock(kBeginMs + int64_t{10} * step);
      const bool crashes = random() % 4 == 0;
      const bool saves = random() % 6 == 0;
      if (!disturbed) continue;
      if (saves) {
        ASSERT_TRUE(served_->TakeSnapshot().ok());
      }
      if (!crashes) continue;
      served_ = nullptr;
      served_ = make();
      served_->Recover();
    }
    SetClock(kBeginMs + 100'000);
    AwaitPending(0);
    EXPECT_EQ(served_->Describe().example_count(), 320U);
    const v1::LabelFigures figures = Figures();
    EXPECT_EQ(figures.matched_count() + figures.defaulted_count(), 300U);
    if (disturbed) {
      // When rows are learned depends on when decisions were made, and so does the order beside
      // labelled batches: the model after a replay of this very log must be the same.
      const std::string digest = served_->Digest().digest();
      served_ = nullptr;
      served_ = make();
      served_->Recover();
      EXPECT_EQ(served_->Digest().digest(), digest);
      EXPECT_EQ(figures.matched_count(), 60U);
    } else {
      EXPECT_EQ(figures.matched_count(), 60U);
    }
    served_ = nullptr;
  }
}

TEST_F(ModelEventsTest, TheLogIsKeptAsFarBackAsEventsWait) {
  Create(SpecWithRule(WaitOf(1000)));
  ASSERT_TRUE(Push(1, 3).status.ok());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(PushLabelled(1, 1, {1}).status.ok());
  ASSERT_TRUE(served_->TakeSnapshot().ok());
  EXPECT_EQ(served_->Describe().storage().log_first_offset(), 0U);
  SetClock(kBeginMs + 5000);
  AwaitPending(0);
  EXPECT_EQ(served_->Describe().example_count(), 103U);
  ASSERT_TRUE(served_->TakeSnapshot().ok());
  EXPECT_GT(served_->Describe().storage().log_first_offset(), 50U) << "nothing waits any more";
  Restart();
  EXPECT_EQ(served_->Describe().example_count(), 103U);
}

TEST_F(ModelEventsTest, AnEventIsFoundWithWhatBecameOfIt) {
  Create(SpecWithRule(WaitOf(1000)));
  ASSERT_TRUE(Push(1, 3).status.ok());
  ASSERT_TRUE(Feedback({2}).status.ok());
  Figures();
  absl::StatusOr<v1::Event> event = model().FindEvent("event-2");
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(event->state(), v1::EVENT_STATE_PENDING);
  EXPECT_EQ(event->feedback_size(), 1);
  ASSERT_EQ(event->features().namespaces_size(), 1);
  EXPECT_EQ(event->features().namespaces(0).features(0).name(), "#00000002");
  EXPECT_TRUE(event->has_score());
  EXPECT_FALSE(event->has_served_score()) << "it was not predicted";
  EXPECT_TRUE(absl::IsNotFound(model().FindEvent("event-9").status()));
  SetClock(kBeginMs + 1000);
  AwaitPending(0);
  Figures();
  event = model().FindEvent("event-2");
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(event->state(), v1::EVENT_STATE_MATCHED);
  EXPECT_EQ(event->label(), 1);
  v1::ListEventsRequest list;
  list.set_state(v1::EVENT_STATE_DEFAULTED);
  const absl::StatusOr<v1::ListEventsResponse> listed = model().ListEvents(list);
  ASSERT_TRUE(listed.ok()) << listed.status();
  ASSERT_EQ(listed->events_size(), 2);
  EXPECT_EQ(listed->events(0).event_id(), "event-1");
}

TEST_F(ModelEventsTest, AModelTakesNoEventsWithoutARuleAndNotMoreThanMayWait) {
  Create(Spec(v1::DURABILITY_OS));
  EXPECT_TRUE(absl::IsFailedPrecondition(model().CheckTakesEvents(1)));
  EXPECT_TRUE(absl::IsFailedPrecondition(model().FindEvent("a").status()));
  v1::UpdateModelRequest update;
  update.mutable_update_mask()->add_paths("label_rule");
  *update.mutable_model()->mutable_label_rule() = WaitOf(1000);
  update.mutable_model()->mutable_label_rule()->set_max_pending_events(4);
  const absl::StatusOr<v1::Model> updated = served_->Update(update);
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->label_rule().policy(), v1::LABEL_POLICY_AFTER_WAIT);
  const absl::Time deadline = absl::Now() + kPatience;
  while (!model().CheckTakesEvents(0).ok() && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(1));
  }
  EXPECT_TRUE(model().CheckTakesEvents(4).ok());
  ASSERT_TRUE(Push(1, 3).status.ok());
  const absl::Status refusal = model().CheckTakesEvents(2);
  EXPECT_TRUE(absl::IsResourceExhausted(refusal));
  EXPECT_THAT(std::string(refusal.message()), HasSubstr("max_pending_events is 4"));
  EXPECT_EQ(Figures().refused_count(), 2U);
  SetClock(kBeginMs + 1000);
  AwaitPending(0);
  EXPECT_TRUE(model().CheckTakesEvents(4).ok());
  Restart();
  EXPECT_TRUE(model().CheckTakesEvents(4).ok()) << "the rule survives";
}

TEST_F(ModelEventsTest, ATableThatIsLostIsMadeAnewFromTheLog) {
  Create(SpecWithRule(WaitOf(1000)));
  ASSERT_TRUE(Push(1, 10).status.ok());
  ASSERT_TRUE(Feedback({4}).status.ok());
  Figures();
  const std::string dir = served_->data_dir().JoinDir(kModel);
  served_ = nullptr;
  std::filesystem::remove_all(dir);
  served_ = Make();
  served_->Recover();
  EXPECT_EQ(Figures().pending_count(), 10U);
  SetClock(kBeginMs + 1000);
  AwaitPending(0);
  EXPECT_EQ(Figures().matched_count(), 1U);
}

}  // namespace
}  // namespace freshet
