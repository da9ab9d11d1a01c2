// Random logs, which LabelJoin and the plain join in memory must understand alike.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "server/join/label_join.h"
#include "tests/server/join/join_records.h"
#include "tests/server/join/reference_join.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

// Room for some ten events.
constexpr size_t kRandomEventsBytes = size_t{65} << 10;
constexpr int kRandomRecords = 1000;

// Numbers for one test.
class JoinDice {
 public:
  explicit JoinDice(uint32_t seed) : engine_(seed) {}
  // From 0, below `end`.
  int64_t Below(int64_t end) { return std::uniform_int_distribution<int64_t>(0, end - 1)(engine_); }
  bool OneIn(int64_t times) { return Below(times) == 0; }

 private:
  std::mt19937 engine_;
};

v1::LabelRule RandomRule(JoinDice& dice) {
  v1::LabelRule rule = RuleOf(
      static_cast<v1::LabelPolicy>(dice.Below(4)), static_cast<uint64_t>(dice.Below(3) * 40),
      static_cast<uint64_t>(dice.Below(3) * 200), static_cast<uint64_t>(20 + dice.Below(100)));
  rule.set_aggregate(static_cast<v1::FeedbackAggregate>(dice.Below(9)));
  if (dice.OneIn(2)) rule.set_threshold(static_cast<float>(dice.Below(4)) - 1);
  if (dice.OneIn(3)) rule.set_drop_unmatched(true);
  if (dice.OneIn(2)) {
    v1::CountedFeedback& click = *rule.add_feedback();
    click.set_name("click");
    v1::CountedFeedback& buy = *rule.add_feedback();
    buy.set_name("buy");
    buy.set_weight(2.5f);
  }
  return rule;
}

// Makes the records of a log.
class RandomLog {
 public:
  explicit RandomLog(JoinDice& dice) : dice_(dice) {}

  int64_t now_ms() const { return now_ms_; }
  void Wait() {
    now_ms_ += dice_.Below(12);
    if (dice_.OneIn(200)) now_ms_ += 700;
  }

  Record Events() {
    std::vector<std::string> ids;
    std::vector<int64_t> times;
    const int64_t count = 1 + dice_.Below(6);
    const bool own_times = dice_.OneIn(3);
    for (int64_t i = 0; i < count; ++i) {
      ids.push_back(dice_.OneIn(8) ? AnyId() : "e" + std::to_string(next_id_++));
      if (own_times) times.push_back(now_ms_ - dice_.Below(60));
    }
    return EventsAt(now_ms_, ids, times);
  }

  Record Feedback() {
    std::vector<v1::FeedbackItem> items;
    const int64_t count = dice_.Below(6);
    for (int64_t i = 0; i < count; ++i) {
      const std::string feedback_id = dice_.OneIn(2) ? "f" + std::to_string(dice_.Below(3)) : "";
      const std::string name = dice_.OneIn(6) ? "view" : dice_.OneIn(3) ? "buy" : "click";
      if (dice_.OneIn(6)) {
        items.push_back(Withdrawal(AnyId(), feedback_id, name));
      } else {
        std::optional<int64_t> time_ms;
        if (dice_.OneIn(3)) time_ms = now_ms_ + dice_.Below(200) - 100;
        items.push_back(
            Item(AnyId(), static_cast<float>(dice_.Below(7)) - 3, time_ms, feedback_id, name));
      }
      if (dice_.OneIn(40)) items.back().set_event_id("");
    }
    return FeedbackAt(now_ms_, items);
  }

 private:
  // The id of one of the last events, or of one of the next.
  std::string AnyId() {
    return "e" + std::to_string(std::max<int64_t>(next_id_ + 4 - dice_.Below(60), 0));
  }

  JoinDice& dice_;
  int64_t now_ms_ = 10'000;
  int64_t next_id_ = 0;
};

// One line for each row of a decision.
std::vector<std::string> DecidedRowsOf(const std::optional<v1::LabelsNote>& note) {
  std::vector<std::string> rows;
  if (!note.has_value()) return rows;
  rows.push_back("number " + std::to_string(note->number()));
  for (const v1::LabelledRecord& record : note->records()) {
    for (int i = 0; i < record.labels_size(); ++i) {
      const uint32_t row =
          record.rows().empty() ? record.first_row() + static_cast<uint32_t>(i) : record.rows(i);
      const float weight = record.weights().empty() ? 1.0f : record.weights(i);
      const bool matched = !record.matched().empty() && record.matched(i);
      const float label = record.labels(i);
      std::string line = std::to_string(record.offset()) + "." + std::to_string(row) + " label " +
                         (std::isnan(label) ? "none" : std::to_string(label)) + " weight " +
                         std::to_string(weight) + (matched ? " matched" : "");
      if (!record.old_labels().empty()) line += " was " + std::to_string(record.old_labels(i));
      rows.push_back(line);
    }
  }
  return rows;
}

class LabelJoinRandomTest : public ::testing::TestWithParam<uint32_t> {
 protected:
  void Open() {
    join_.reset();
    auto opened = LabelJoin::Open({.dir = folder_.path() + "/join",
                                   .rule = rule_,
                                   .recent_events_bytes = kRandomEventsBytes});
    ASSERT_TRUE(opened.ok()) << opened.status();
    join_ = *std::move(opened);
  }

  void Apply(const Record& record) {
    ASSERT_TRUE(join_->Apply(record).ok());
    reference_->Apply(record);
    ASSERT_NO_FATAL_FAILURE(CompareFigures());
  }

  void CompareFigures() {
    v1::LabelFigures figures;
    join_->FillFigures(figures);
    if (figures.pending_count() == 0 && reference_->FirstPending() == join_->offset()) {
      ASSERT_EQ(figures.pending_bytes(), 0U);
      ASSERT_EQ(join_->NextDueTime().value_or(0), 0);  // 0: corrections are due.
    } else {
      ASSERT_GT(figures.pending_bytes(), 0U);
    }
    ASSERT_EQ(figures.event_count(), figures.pending_count() + figures.matched_count() +
                                         figures.defaulted_count() + figures.dropped_count() +
                                         figures.duplicate_event_count());
    figures.clear_delays();
    figures.clear_pending_bytes();
    figures.clear_oldest_pending_time_ms();
    ASSERT_EQ(figures.DebugString(), reference_->Figures().DebugString());
  }

  void CompareEvents() {
    std::vector<v1::Event> events;
    std::string token;
    do {
      auto page = join_->List(v1::EVENT_STATE_UNSPECIFIED, 7, token);
      ASSERT_TRUE(page.ok()) << page.status();
      events.insert(events.end(), page->events.begin(), page->events.end());
      token = page->next_page_token;
    } while (!token.empty());
    const std::vector<v1::Event> expected = reference_->Events();
    ASSERT_EQ(events.size(), expected.size());
    std::map<std::string, std::string> last;  // By id.
    for (size_t i = 0; i < events.size(); ++i) {
      last[events[i].event_id()] = events[i].DebugString();
      events[i].clear_feedback();
      ASSERT_EQ(events[i].DebugString(), expected[i].DebugString());
    }
    for (const auto& [id, text] : last) {
      const auto found = join_->Find(id);
      ASSERT_TRUE(found.ok()) << found.status();
      ASSERT_EQ(found->DebugString(), text);
    }
  }

  // The decision, on which both agree.
  std::optional<v1::LabelsNote> Decide(int64_t now_ms, size_t max_rows) {
    auto note = join_->Decide(now_ms, max_rows);
    EXPECT_TRUE(note.ok()) << note.status();
    if (!note.ok()) return std::nullopt;
    EXPECT_EQ(DecidedRowsOf(*note), DecidedRowsOf(reference_->Decide(now_ms, max_rows)));
    if (note->has_value()) {
      EXPECT_LE((*note)->settled_below(), join_->offset());
    }
    return *std::move(note);
  }

  TemporaryFolder folder_;
  v1::LabelRule rule_;
  std::unique_ptr<LabelJoin> join_;
  std::unique_ptr<ReferenceJoin> reference_;
};

TEST_P(LabelJoinRandomTest, ComesToTheSameAsThePlainJoin) {
  JoinDice dice(GetParam());
  rule_ = RandomRule(dice);
  reference_ = std::make_unique<ReferenceJoin>(rule_);
  ASSERT_NO_FATAL_FAILURE(Open());
  RandomLog log(dice);
  for (int i = 0; i < kRandomRecords; ++i) {
    log.Wait();
    const int64_t kind = dice.Below(10);
    if (kind < 3) {
      ASSERT_NO_FATAL_FAILURE(Apply(log.Events()));
    } else if (kind < 7) {
      ASSERT_NO_FATAL_FAILURE(Apply(log.Feedback()));
    } else {
      const auto max_rows = static_cast<size_t>(1 + dice.Below(12));
      const std::optional<v1::LabelsNote> note = Decide(log.now_ms(), max_rows);
      if (HasFailure()) return;
      if (!note.has_value()) continue;
      if (dice.OneIn(4)) {
        ASSERT_NO_FATAL_FAILURE(Apply(log.Feedback()));
      }
      ASSERT_NO_FATAL_FAILURE(Apply(LabelsAt(log.now_ms(), *note)));
      if (dice.OneIn(8)) {
        ASSERT_NO_FATAL_FAILURE(Apply(LabelsAt(log.now_ms(), *note)));
      }
    }
    if (dice.OneIn(300)) {
      ASSERT_NO_FATAL_FAILURE(Apply(RuleAt(log.now_ms(), RandomRule(dice))));
    }
    if (dice.OneIn(200)) {
      ASSERT_NO_FATAL_FAILURE(CompareEvents());
    }
    if (dice.OneIn(400)) {
      ASSERT_NO_FATAL_FAILURE(Open());
    }
    if (dice.OneIn(100)) {
      ASSERT_TRUE(join_->Sync().ok());
    }
  }
  CompareEvents();
}

INSTANTIATE_TEST_SUITE_P(Seeds, LabelJoinRandomTest, ::testing::Range(1U, 9U));

}  // namespace
}  // namespace freshet
