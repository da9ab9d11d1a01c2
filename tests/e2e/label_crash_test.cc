// Kills a server again and again while events, their feedback and labelled rows come: every
// acknowledged event must be learned exactly once, with the label that its feedback says.
//
// For the variables of the environment see crash_fixture.h.

#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/feedback_pusher.h"
#include "client/pusher.h"
#include "core/base/str_cat.h"
#include "tests/e2e/crash_fixture.h"
#include "tests/e2e/producer.h"
#include "tests/support/model_dir.h"
#include "tests/support/random_examples.h"

namespace freshet {
namespace {

constexpr int64_t kWaitMs = 1000;
constexpr uint64_t kHourMs = 3'600'000;

v1::LabelRule RuleOf(v1::LabelPolicy policy, uint64_t wait_ms) {
  v1::LabelRule rule;
  rule.set_policy(policy);
  rule.add_feedback()->set_name("click");
  rule.set_wait_ms(wait_ms);
  rule.set_horizon_ms(kHourMs);
  rule.set_hold_ms(kHourMs);
  return rule;
}

// What a source of events knows of one of them.
struct SentEvent {
  bool acknowledged = false;
  int clicks = 0;  // All of them were acknowledged.
  // A click was acknowledged so early that it must count, however the server was killed.
  bool must_match = false;
};
using SentEvents = std::map<std::string, SentEvent>;

PusherOptions SourceOptions(std::string producer_id) {
  PusherOptions options;
  options.producer_id = std::move(producer_id);
  options.initial_backoff_ms = 5;
  options.max_backoff_ms = 50;
  options.retry_deadline_ms = absl::ToInt64Milliseconds(kCrashPatience);
  return options;
}

// Sends events and their feedback, which comes before the events, after them, both, or never.
// Events come by Learn or by Predict; some calls of Predict that failed are given up, others are
// repeated. Not thread-safe.
class EventSource {
 public:
  EventSource(const Client& client, std::string address, std::string model, std::string name,
              uint32_t seed)
      : client_(client),
        address_(std::move(address)),
        model_(std::move(model)),
        name_(std::move(name)),
        random_(seed),
        events_(Pusher::Start(client, model_, SourceOptions(name_ + "-events")).value()),
        feedback_(
            FeedbackPusher::Start(client, model_, SourceOptions(name_ + "-feedback")).value()) {}

  // Sends one batch of events with their feedback; returns once all is acknowledged or given up.
  absl::Status SendBatch() {
    std::vector<std::string> ids;
    std::vector<std::string> before;
    std::vector<std::string> after;
    const int count = 1 + static_cast<int>(random_() % 8);
    for (int i = 0; i < count; ++i) {
      ids.push_back(StrCat(name_, "-", ++event_number_));
      const uint32_t plan = random_() % 6;
      if (plan == 0 || plan == 2) before.push_back(ids.back());
      if (plan == 1 || plan == 2) after.push_back(ids.back());
    }
    if (random_() % 4 == 0) {
      before.push_back(StrCat(name_, "-unknown-", event_number_));
      ++unknown_clicks_;
    }
    absl::Status status = SendClicks(before);
    const absl::Time sent_at = absl::Now();
    if (status.ok()) status = SendEvents(ids);
    if (status.ok()) status = SendClicks(after);
    if (!status.ok()) return status;
    // The join follows what is acknowledged with a lag, hence half the wait.
    const bool in_time = absl::Now() < sent_at + absl::Milliseconds(kWaitMs / 2);
    for (const std::string& id : ids) sent_[id].acknowledged = acknowledged_;
    for (const std::string& id : before) {
      if (sent_.contains(id)) NoteClick(id, true);
    }
    for (const std::string& id : after) NoteClick(id, in_time);
    return absl::OkStatus();
  }

  absl::Status Close() {
    absl::Status status = events_->Close();
    status.Update(feedback_->Close());
    return status;
  }

  const SentEvents& sent() const { return sent_; }
  uint64_t unknown_clicks() const { return unknown_clicks_; }
  // Items of feedback that were acknowledged as known already.
  uint64_t repeated_clicks() const { return repeated_clicks_ + feedback_->stats().duplicates; }

 private:
  void NoteClick(const std::string& id, bool must_match) {
    SentEvent& event = sent_[id];
    ++event.clicks;
    event.must_match = event.must_match || must_match;
  }

  // Some requests are sent again under the same sequence, as by a client that crashed itself.
  absl::Status SendClicks(const std::vector<std::string>& ids) {
    if (ids.empty()) return absl::OkStatus();
    std::vector<v1::FeedbackItem> items;
    for (const std::string& id : ids) {
      v1::FeedbackItem& item = items.emplace_back();
      item.set_event_id(id);
      item.set_name("click");
    }
    const RowNumbers numbers{.first = click_number_ + 1, .last = click_number_ + items.size()};
    click_number_ = numbers.last;
    absl::Status status = feedback_->PushBatch(items, numbers);
    status.Update(feedback_->Flush());
    if (!status.ok() || random_() % 16 != 0) return status;
    PusherOptions options = SourceOptions(name_ + "-feedback");
    options.producer_is_known = true;
    auto again = FeedbackPusher::Start(client_, model_, options);
    if (!again.ok()) return again.status();
    status = (*again)->PushBatch(items, numbers);
    status.Update((*again)->Close());
    repeated_clicks_ += (*again)->stats().duplicates;
    return status;
  }

  absl::Status SendEvents(const std::vector<std::string>& ids) {
    ExampleBatchBuilder batch;
    for (size_t i = 0; i < ids.size(); ++i) {
      batch.BeginRow(0.0f, 1.0f);
      batch.AddFeature(batch.Namespace("user"), random_() % 50 * 2654435761U, 1.0f);
      batch.AddFeature(batch.Namespace("item"), random_() % 200 * 2246822519U, 1.0f);
      batch.EndRow();
    }
    acknowledged_ = true;
    if (random_() % 2 == 0) return Predict(batch, ids);
    const RowNumbers numbers{.first = row_number_ + 1, .last = row_number_ + ids.size()};
    row_number_ = numbers.last;
    absl::Status status =
        events_->PushBatch(batch, numbers, EventColumns{.ids = ids, .times_ms = {}});
    status.Update(events_->Flush());
    return status;
  }

  absl::Status Predict(const ExampleBatchBuilder& batch, const std::vector<std::string>& ids) {
    const PredictOptions options{.log_events = true, .event_ids = ids, .wait = true};
    const absl::Time deadline = absl::Now() + kCrashPatience;
    absl::Status status;
    do {
      if (connected_ == nullptr) {
        auto client = Client::Connect({.server = address_});
        status = client.status();
        if (client.ok()) connected_ = *std::move(client);
      }
      if (connected_ != nullptr) {
        const auto predicted = connected_->Predict(model_, batch, options);
        if (predicted.ok() && predicted->dropped_event_count == 0) return absl::OkStatus();
        status =
            predicted.ok() ? absl::UnavailableError("events were dropped") : predicted.status();
        connected_ = nullptr;
        if (random_() % 4 == 0) {
          acknowledged_ = false;
          return absl::OkStatus();
        }
      }
      absl::SleepFor(absl::Milliseconds(5));  // The server is down.
    } while (absl::Now() < deadline);
    return status;
  }

  const Client& client_;
  const std::string address_;
  const std::string model_;
  const std::string name_;
  std::mt19937 random_;
  const std::unique_ptr<Pusher> events_;
  const std::unique_ptr<FeedbackPusher> feedback_;
  std::unique_ptr<Client> connected_;  // For Predict; null after a call that failed.
  bool acknowledged_ = false;          // Whether the last batch of events was.

  SentEvents sent_;
  uint64_t event_number_ = 0;
  uint64_t row_number_ = 0;
  uint64_t click_number_ = 0;
  uint64_t unknown_clicks_ = 0;
  uint64_t repeated_clicks_ = 0;
};

// Lets a source send without end, on a thread of its own, until told to stop.
class EventLoad {
 public:
  explicit EventLoad(std::unique_ptr<EventSource> source)
      : source_(std::move(source)), thread_([this] { Run(); }) {}
  ~EventLoad() { Stop().IgnoreError(); }
  EventLoad(const EventLoad&) = delete;
  EventLoad& operator=(const EventLoad&) = delete;

  int batches() const { return batches_; }
  absl::Status status() const {
    const absl::MutexLock lock(&mu_);
    return status_;
  }
  absl::Status Stop() {
    stopping_ = true;
    if (!thread_.joinable()) return status();
    thread_.join();
    absl::Status status = this->status();
    status.Update(source_->Close());
    return status;
  }
  // REQUIRES: Stop() was called.
  const EventSource& source() const { return *source_; }

 private:
  void Run() {
    while (!stopping_) {
      const absl::Status status = source_->SendBatch();
      if (!status.ok()) {
        const absl::MutexLock lock(&mu_);
        status_ = status;
        return;
      }
      ++batches_;
      absl::SleepFor(absl::Milliseconds(2));  // The pace of the load.
    }
  }

  const std::unique_ptr<EventSource> source_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> batches_{0};
  mutable absl::Mutex mu_;
  absl::Status status_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

class LabelCrashTest : public CrashFixture, public testing::WithParamInterface<v1::LabelPolicy> {
 protected:
  void Create(uint64_t wait_ms) {
    SetConfig("snapshots { interval_s: 0 } log { segment_bytes: 65536 }");
    ASSERT_NO_FATAL_FAILURE(Serve());
    NewModelOptions options;
    options.label_rule = RuleOf(GetParam(), wait_ms);
    const auto model = client_->CreateModel("ads", CrashLearner(), options);
    ASSERT_TRUE(model.ok()) << model.status();
  }

  void SetWait(uint64_t wait_ms) {
    v1::Model values;
    *values.mutable_label_rule() = RuleOf(GetParam(), wait_ms);
    const auto updated = client_->UpdateModel("ads", values, {"label_rule"});
    ASSERT_TRUE(updated.ok()) << updated.status();
  }

  // The model once its join has taken in the whole log, and `reached` is true.
  v1::Model Await(const std::function<bool(const v1::LabelFigures&)>& reached) const {
    const absl::Time deadline = absl::Now() + kCrashPatience;
    while (true) {
      const auto model = client_->GetModel("ads");
      EXPECT_TRUE(model.ok()) << model.status();
      if (!model.ok()) return {};
      const v1::LabelFigures& figures = model->labels();
      if (figures.join_offset() == model->offset() && reached(figures)) return *model;
      EXPECT_LT(absl::Now(), deadline) << model->ShortDebugString();
      if (absl::Now() >= deadline) return *model;
      absl::SleepFor(absl::Milliseconds(10));
    }
  }
  v1::Model AwaitPending(uint64_t count) const {
    return Await(
        [count](const v1::LabelFigures& figures) { return figures.pending_count() == count; });
  }

  std::string Digest() const {
    const auto digest = client_->ComputeDigest("ads");
    EXPECT_TRUE(digest.ok()) << digest.status();
    return digest.ok() ? digest->digest : "";
  }

  void RemoveJoin() const {
    const std::string join = ModelDirOf(DataDir(), "ads") + "/join";
    ASSERT_TRUE(std::filesystem::exists(join));
    std::filesystem::remove_all(join);
  }

  // Sends events with ids of this prefix: of every four, the first is clicked before it is sent,
  // the second after that. Returns once all is acknowledged.
  void SendQuartets(const std::string& prefix, int quartets) {
    auto events = Pusher::Start(*client_, "ads", SourceOptions(prefix + "-events"));
    auto feedback = FeedbackPusher::Start(*client_, "ads", SourceOptions(prefix + "-feedback"));
    ASSERT_TRUE(events.ok() && feedback.ok());
    const auto click = [&](int nth) {
      for (int i = 0; i < quartets; ++i) {
        v1::FeedbackItem item;
        item.set_event_id(StrCat(prefix, 4 * i + nth));
        item.set_name("click");
        ASSERT_TRUE((*feedback)->Push(item).ok());
      }
      ASSERT_TRUE((*feedback)->Flush().ok()) << (*feedback)->status();
    };
    click(0);
    Example example;
    example.Add("user", prefix);
    for (int i = 0; i < 4 * quartets; ++i) {
      ASSERT_TRUE((*events)->PushEvent(example, StrCat(prefix, i)).ok());
    }
    ASSERT_TRUE((*events)->Close().ok()) << (*events)->status();
    click(1);
    ASSERT_TRUE((*feedback)->Close().ok()) << (*feedback)->status();
  }

  void ExpectQuartetLabels(const std::string& prefix, int quartets) const {
    for (int i = 0; i < 4 * quartets; ++i) {
      const auto event = client_->GetEvent("ads", StrCat(prefix, i));
      ASSERT_TRUE(event.ok()) << event.status();
      EXPECT_EQ(event->label(), i % 4 < 2 ? 1 : 0) << event->ShortDebugString();
      EXPECT_EQ(event->feedback_size(), i % 4 < 2 ? 1 : 0) << event->ShortDebugString();
    }
  }

  static void ExpectLabel(const v1::Event& event, const SentEvent& sent) {
    EXPECT_EQ(event.feedback_size(), sent.clicks) << event.ShortDebugString();
    ASSERT_TRUE(event.has_label()) << event.ShortDebugString();
    if (sent.must_match) {
      EXPECT_EQ(event.label(), 1) << event.ShortDebugString();
    } else if (sent.clicks == 0) {
      EXPECT_EQ(event.state(), v1::EVENT_STATE_DEFAULTED) << event.ShortDebugString();
      EXPECT_EQ(event.label(), 0) << event.ShortDebugString();
    }
    // Otherwise a decision may have been on its way when the feedback came.
  }

  // Compares all events with what was sent, and the model's figures with both.
  void ExpectLearnedOnce(const v1::Model& model,
                         const std::vector<std::unique_ptr<EventLoad>>& loads,
                         const Producer& labelled) const {
    SentEvents sent;
    uint64_t unknown_clicks = 0;
    uint64_t repeated_clicks = 0;
    for (const auto& load : loads) {
      sent.insert(load->source().sent().begin(), load->source().sent().end());
      unknown_clicks += load->source().unknown_clicks();
      repeated_clicks += load->source().repeated_clicks();
    }
    const auto events = client_->ListEvents("ads", {.limit = 10'000'000});
    ASSERT_TRUE(events.ok()) << events.status();
    double positive_weight = 0;
    uint64_t must_match = 0;
    for (const v1::Event& event : *events) {
      const auto known = sent.find(event.event_id());
      ASSERT_NE(known, sent.end()) << "twice, or never sent: " << event.ShortDebugString();
      ExpectLabel(event, known->second);
      positive_weight += event.label();
      must_match += known->second.must_match ? 1 : 0;
      sent.erase(known);
    }
    uint64_t held = unknown_clicks;
    for (const auto& [id, event] : sent) {
      EXPECT_FALSE(event.acknowledged) << id << " was acknowledged and is gone";
      held += static_cast<uint64_t>(event.clicks);
    }

    const v1::LabelFigures& figures = model.labels();
    EXPECT_EQ(figures.matched_count() + figures.defaulted_count(), events->size());
    EXPECT_EQ(figures.event_count() - figures.duplicate_event_count(), events->size());
    EXPECT_EQ(figures.dropped_count(), 0U);
    EXPECT_EQ(figures.held_count(), held);
    EXPECT_EQ(figures.unmatched_count() + figures.expired_count() + figures.ignored_count(), 0U);
    EXPECT_EQ(figures.pending_bytes(), 0U);
    const uint64_t rows = labelled.stats().pushed;
    EXPECT_EQ(model.example_count(), rows + events->size());

    RandomExamples stream(labelled.seed());
    auto weight = static_cast<double>(events->size());
    for (uint64_t i = 0; i < rows; ++i) {
      ExampleBatchBuilder batch;
      stream.Append(1, batch);
      const ExampleBatch row = batch.View();
      const double row_weight = row.weights.empty() ? 1 : row.weights[0];
      weight += row_weight;
      positive_weight += row_weight * row.labels[0];
    }
    const v1::ProgressiveMetrics& metrics = model.variants(0).metrics();
    EXPECT_DOUBLE_EQ(metrics.weight_sum(), weight);
    EXPECT_NEAR(metrics.label_mean() * weight, positive_weight, 1e-3);
    std::printf(
        "%zu events learned, %llu of them surely with feedback in time; %zu never logged; %llu "
        "duplicate events; %llu late and %llu repeated items of feedback; %llu labelled rows\n",
        events->size(), static_cast<unsigned long long>(must_match), sent.size(),
        static_cast<unsigned long long>(figures.duplicate_event_count()),
        static_cast<unsigned long long>(figures.late_count()),
        static_cast<unsigned long long>(repeated_clicks), static_cast<unsigned long long>(rows));
  }

  // Waits until each load has sent another batch.
  static void AwaitBatches(const std::vector<std::unique_ptr<EventLoad>>& loads) {
    const absl::Time deadline = absl::Now() + kCrashPatience;
    for (const auto& load : loads) {
      const int before = load->batches();
      while (load->batches() == before) {
        ASSERT_TRUE(load->status().ok()) << load->status();
        ASSERT_LT(absl::Now(), deadline) << "no events were acknowledged";
        absl::SleepFor(absl::Milliseconds(1));
      }
    }
  }
};

TEST_P(LabelCrashTest, EventsAreLearnedOnceWithTheLabelOfTheirFeedback) {
  ASSERT_NO_FATAL_FAILURE(Create(kWaitMs));
  // Sources go on with this connection after the server, and `client_`, are replaced.
  const std::unique_ptr<Client> first = std::move(client_);
  client_ = Client::Connect({.server = address_}).value();
  Producer labelled(*first, "ads", random_());
  std::vector<std::unique_ptr<EventLoad>> loads;
  for (const char* name : {"a", "b", "c"}) {
    loads.push_back(std::make_unique<EventLoad>(
        std::make_unique<EventSource>(*first, address_, "ads", name, random_())));
  }
  {
    const Snapshotter snapshotter(address_, "ads");
    while (has_kills_left()) {
      ASSERT_NO_FATAL_FAILURE(AwaitBatches(loads));
      absl::SleepFor(RandomMilliseconds(600));
      ASSERT_NO_FATAL_FAILURE(KillAndStart());
    }
    std::printf("%d snapshots taken\n", snapshotter.taken());
  }
  ASSERT_TRUE(labelled.Stop().ok()) << labelled.status();
  for (const auto& load : loads) {
    const absl::Status status = load->Stop();
    ASSERT_TRUE(status.ok()) << status;
  }
  PrintKills();
  ExpectLearnedOnce(AwaitPending(0), loads, labelled);
  const std::string digest = Digest();
  for (const bool without_join : {false, true}) {
    ASSERT_NO_FATAL_FAILURE(Kill());
    if (without_join) {
      ASSERT_NO_FATAL_FAILURE(RemoveJoin());
    }
    ASSERT_NO_FATAL_FAILURE(Serve());
    AwaitPending(0);
    EXPECT_EQ(Digest(), digest) << "without the folder `join`: " << without_join;
  }
}

TEST_P(LabelCrashTest, WithoutItsTableTheEventsThatWaitAreStillJoined) {
  constexpr int kQuartets = 10;
  const bool after_wait = GetParam() == v1::LABEL_POLICY_AFTER_WAIT;
  ASSERT_NO_FATAL_FAILURE(Create(kHourMs / 2));
  ASSERT_NO_FATAL_FAILURE(SendQuartets("w", kQuartets));
  const uint64_t pending = after_wait ? 4 * kQuartets : 2 * kQuartets;
  const v1::Model before = AwaitPending(pending);
  ASSERT_NO_FATAL_FAILURE(Kill());
  ASSERT_NO_FATAL_FAILURE(RemoveJoin());
  ASSERT_NO_FATAL_FAILURE(Serve());
  const v1::Model after = AwaitPending(pending);
  EXPECT_EQ(after.labels().pending_bytes(), before.labels().pending_bytes());
  EXPECT_EQ(after.example_count(), before.example_count());
  ASSERT_NO_FATAL_FAILURE(SetWait(kWaitMs));
  EXPECT_EQ(AwaitPending(0).example_count(), uint64_t{4} * kQuartets);
  ExpectQuartetLabels("w", kQuartets);
  const std::string digest = Digest();
  ASSERT_NO_FATAL_FAILURE(Kill());
  ASSERT_NO_FATAL_FAILURE(Serve());
  EXPECT_EQ(Digest(), digest);
}

// After the outage all events are due at once, while the table still lacks their feedback.
TEST_P(LabelCrashTest, FeedbackInTimeCountsAfterAnOutageLongerThanTheWait) {
  constexpr int kQuartets = 10;
  constexpr int64_t kOutageMs = 5000;  // Also the wait: feedback is acknowledged well before.
  ASSERT_NO_FATAL_FAILURE(Create(kOutageMs));
  ASSERT_NO_FATAL_FAILURE(SendQuartets("o", kQuartets));
  ASSERT_NO_FATAL_FAILURE(Kill());
  ASSERT_NO_FATAL_FAILURE(RemoveJoin());
  absl::SleepFor(absl::Milliseconds(kOutageMs));
  ASSERT_NO_FATAL_FAILURE(Serve());
  EXPECT_EQ(AwaitPending(0).example_count(), uint64_t{4} * kQuartets);
  ExpectQuartetLabels("o", kQuartets);
}

INSTANTIATE_TEST_SUITE_P(Policies, LabelCrashTest,
                         testing::Values(v1::LABEL_POLICY_AFTER_WAIT, v1::LABEL_POLICY_AT_FEEDBACK),
                         [](const testing::TestParamInfo<v1::LabelPolicy>& policy) {
                           return policy.param == v1::LABEL_POLICY_AFTER_WAIT ? "AfterWait"
                                                                              : "AtFeedback";
                         });

}  // namespace
}  // namespace freshet
