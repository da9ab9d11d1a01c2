#include "server/join/label_join.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/server/join/join_records.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kStart = 1'000'000;
constexpr size_t kManyRows = 1000;

// A join with its folder, and the log that it is given.
class LabelJoinTest : public ::testing::Test {
 protected:
  void Open(const v1::LabelRule& rule) {
    absl::StatusOr<std::unique_ptr<LabelJoin>> opened =
        LabelJoin::Open({.dir = folder_.path() + "/join", .rule = rule});
    ASSERT_TRUE(opened.ok()) << opened.status();
    join_ = *std::move(opened);
  }

  void Apply(const Record& record) {
    const absl::Status status = join_->Apply(record);
    ASSERT_TRUE(status.ok()) << status;
  }

  // The next decision, which must be due.
  v1::LabelsNote Decide(int64_t now_ms, size_t max_rows = kManyRows) {
    absl::StatusOr<std::optional<v1::LabelsNote>> note = join_->Decide(now_ms, max_rows);
    EXPECT_TRUE(note.ok()) << note.status();
    EXPECT_TRUE(note.ok() && note->has_value()) << "nothing is due";
    return note.ok() && note->has_value() ? **std::move(note) : v1::LabelsNote();
  }

  // Decides and gives the join what it decided.
  v1::LabelsNote DecideAndApply(int64_t now_ms, size_t max_rows = kManyRows) {
    v1::LabelsNote note = Decide(now_ms, max_rows);
    Apply(LabelsAt(now_ms, note));
    return note;
  }

  bool IsDue(int64_t now_ms) {
    const auto note = join_->Decide(now_ms, kManyRows);
    EXPECT_TRUE(note.ok()) << note.status();
    return note.ok() && note->has_value();
  }

  v1::LabelFigures Figures() {
    v1::LabelFigures figures;
    join_->FillFigures(figures);
    return figures;
  }

  v1::Event Find(const std::string& id) {
    const absl::StatusOr<v1::Event> event = join_->Find(id);
    EXPECT_TRUE(event.ok()) << event.status();
    return event.value_or(v1::Event());
  }

  std::vector<std::string> List(v1::EventState state) {
    std::vector<std::string> ids;
    std::string token;
    do {
      const auto page = join_->List(state, 2, token);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      for (const v1::Event& event : page->events) ids.push_back(event.event_id());
      token = page->next_page_token;
    } while (!token.empty());
    return ids;
  }

  TemporaryFolder folder_;
  std::unique_ptr<LabelJoin> join_;
};

TEST_F(LabelJoinTest, EventsAreDecidedOnceWhenTheirWaitIsOver) {
  Open(RuleOf(v1::LABEL_POLICY_AFTER_WAIT, 100));
  Apply(EventsAt(kStart, {"a", "b", "c"}));
  Apply(FeedbackAt(kStart + 50, {Item("b", 7)}));
  EXPECT_EQ(join_->NextDueTime(), kStart + 100);
  EXPECT_FALSE(IsDue(kStart + 99));
  EXPECT_EQ(Find("b").state(), v1::EVENT_STATE_PENDING);

  const v1::LabelsNote note = DecideAndApply(kStart + 100);
  EXPECT_EQ(note.number(), 1U);
  ASSERT_EQ(note.records_size(), 1);
  EXPECT_THAT(note.records(0).rows(), IsEmpty());
  EXPECT_EQ(note.records(0).first_row(), 0U);
  EXPECT_THAT(note.records(0).labels(), ElementsAre(0, 1, 0));
  EXPECT_THAT(note.records(0).matched(), ElementsAre(false, true, false));
  EXPECT_THAT(note.records(0).weights(), IsEmpty());
  EXPECT_EQ(note.due_offset(), 1U);
  EXPECT_EQ(note.due_row(), 0U);
  EXPECT_EQ(note.settled_below(), 2U);
  EXPECT_FALSE(IsDue(kStart + 1000));
  EXPECT_EQ(join_->NextDueTime(), std::nullopt);

  EXPECT_EQ(Find("b").state(), v1::EVENT_STATE_MATCHED);
  EXPECT_EQ(Find("b").label(), 1);
  EXPECT_EQ(Find("b").decide_offset(), 2U);
  EXPECT_EQ(Find("a").state(), v1::EVENT_STATE_DEFAULTED);
  EXPECT_EQ(Find("a").decide_time_ms(), kStart + 100);
  const v1::LabelFigures figures = Figures();
  EXPECT_EQ(figures.event_count(), 3U);
  EXPECT_EQ(figures.pending_count(), 0U);
  EXPECT_EQ(figures.pending_bytes(), 0U);
  EXPECT_EQ(figures.matched_count(), 1U);
  EXPECT_EQ(figures.defaulted_count(), 2U);
  EXPECT_EQ(figures.join_offset(), 3U);
}

TEST_F(LabelJoinTest, ADecisionHasAtMostSoManyRows) {
  Open(RuleOf(v1::LABEL_POLICY_AFTER_WAIT, 100));
  Apply(EventsAt(kStart, {"a", "b", "c"}));
  Apply(EventsAt(kStart, {"d"}));
  v1::LabelsNote note = DecideAndApply(kStart + 100, 2);
  EXPECT_EQ(note.due_offset(), 0U);
  EXPECT_EQ(note.due_row(), 2U);
  EXPECT_EQ(note.settled_below(), 0U);
  EXPECT_EQ(Figures().pending_count(), 2U);
  EXPECT_EQ(Find("b").state(), v1::EVENT_STATE_DEFAULTED);
  EXPECT_EQ(Find("c").state(), v1::EVENT_STATE_PENDING);
  note = DecideAndApply(kStart + 100, 2);
  ASSERT_EQ(note.records_size(), 2);
  EXPECT_EQ(note.records(0).first_row(), 2U);
  EXPECT_EQ(note.records(1).offset(), 1U);
  EXPECT_EQ(Figures().pending_bytes(), 0U);
  EXPECT_EQ(Find("a").decide_offset(), 2U);
  EXPECT_EQ(Find("c").decide_offset(), 3U);
}

TEST_F(LabelJoinTest, ADecisionThatComesTwiceHasNoSecondEffect) {
  Open(RuleOf(v1::LABEL_POLICY_AFTER_WAIT, 100));
  Apply(EventsAt(kStart, {"a"}));
  Apply(EventsAt(kStart, {"b"}));
  const v1::LabelsNote note = DecideAndApply(kStart + 100, 1);
  Apply(LabelsAt(kStart + 101, note));
  EXPECT_EQ(join_->labels_number(), 1U);
  EXPECT_EQ(Figures().defaulted_count(), 1U);
  EXPECT_EQ(Figures().pending_count(), 1U);
}

TEST_F(LabelJoinTest, FeedbackAfterTheWaitIsLate) {
  Open(RuleOf(v1::LABEL_POLICY_AFTER_WAIT, 100, 1000));
  Apply(EventsAt(kStart, {"a", "b"}));
  Apply(FeedbackAt(kStart + 10, {Item("a", 1, kStart + 101)}));
  EXPECT_THAT(DecideAndApply(kStart + 100).records(0).labels(), ElementsAre(0, 0));
  Apply(FeedbackAt(kStart + 200, {Item("b")}));
  EXPECT_FALSE(IsDue(kStart + 300));
  EXPECT_EQ(Find("a").state(), v1::EVENT_STATE_LATE);
  EXPECT_EQ(Find("b").state(), v1::EVENT_STATE_LATE);
  EXPECT_EQ(Find("b").label(), 0);
  EXPECT_EQ(Find("b").feedback_size(), 1);
  EXPECT_EQ(Figures().late_count(), 2U);
  EXPECT_THAT(List(v1::EVENT_STATE_LATE), ElementsAre("a", "b"));
}

TEST_F(LabelJoinTest, FeedbackAfterTheHorizonIsExpired) {
  Open(RuleOf(v1::LABEL_POLICY_AFTER_WAIT, 100, 1000, 500));
  Apply(EventsAt(kStart, {"a"}));
  Apply(FeedbackAt(kStart + 10, {Item("a", 1, kStart + 1001)}));
  Apply(FeedbackAt(kStart + 1001, {Item("a")}));
  EXPECT_EQ(Figures().expired_count(), 2U);
  EXPECT_EQ(Figures().late_count(), 0U);
  EXPECT_TRUE(absl::IsNotFound(join_->Find("a").status()));
}

TEST_F(LabelJoinTest, EventsAreForgottenAfterTheHorizonAndTheirIdsFreeAgain) {
  Open(RuleOf(v1::LABEL_POLICY_AFTER_WAIT, 100, 1000, 500));
  Apply(EventsAt(kStart, {"a"}));
  Apply(EventsAt(kStart + 1000, {"a"}));
  EXPECT_EQ(Figures().duplicate_event_count(), 1U);
  Apply(EventsAt(kStart + 1001, {"a"}));
  EXPECT_EQ(Figures().duplicate_event_count(), 1U);
  EXPECT_EQ(Find("a").offset(), 2U);
  // Long after, it is not known at all: feedback waits for a new event.
  Apply(FeedbackAt(kStart + 9000, {Item("a")}));
  EXPECT_EQ(Figures().held_count(), 1U);
  EXPECT_EQ(DecideAndApply(kStart + 9000).records_size(), 3);
}

TEST_F(LabelJoinTest, AtFeedbackDecidesWithTheFeedbackThatSettlesTheLabel) {
  Open(RuleOf(v1::LABEL_POLICY_AT_FEEDBACK, 100));
  Apply(EventsAt(kStart, {"a", "b", "c"}));
  Apply(FeedbackAt(kStart + 10, {Item("c"), Item("b", 0), Item("a")}));
  EXPECT_EQ(join_->NextDueTime(), 0);
  const v1::LabelsNote note = DecideAndApply(kStart + 10);
  ASSERT_EQ(note.records_size(), 2);  // In the order of the feedback.
  EXPECT_EQ(note.records(0).first_row(), 2U);
  EXPECT_EQ(note.records(1).first_row(), 0U);
  EXPECT_EQ(note.due_offset(), 0U);
  EXPECT_EQ(note.due_row(), 0U);
  EXPECT_EQ(note.settled_below(), 0U);
  EXPECT_FALSE(IsDue(kStart + 99));
  EXPECT_EQ(join_->NextDueTime(), kStart + 100);
  const v1::LabelsNote rest = DecideAndApply(kStart + 100);
  ASSERT_EQ(rest.records_size(), 1);
  EXPECT_EQ(rest.records(0).first_row(), 1U);
  EXPECT_THAT(rest.records(0).labels(), ElementsAre(0));
  EXPECT_EQ(Figures().matched_count(), 3U);
  EXPECT_EQ(Figures().pending_bytes(), 0U);
}

TEST_F(LabelJoinTest, ARecordWhoseRowsAreAllDecidedEarlyWaitsNoMore) {
  Open(RuleOf(v1::LABEL_POLICY_AT_FEEDBACK, 100));
  Apply(EventsAt(kStart, {"a"}));
  Apply(EventsAt(kStart + 50, {"b"}));
  Apply(FeedbackAt(kStart + 60, {Item("a"), Item("b")}));
  DecideAndApply(kStart + 60, 1);
  EXPECT_EQ(join_->NextDueTime(), 0);
  DecideAndApply(kStart + 60, 1);
  EXPECT_EQ(join_->NextDueTime(), std::nullopt);
  EXPECT_EQ(Figures().pending_bytes(), 0U);
  Apply(EventsAt(kStart + 70, {"c"}));
  EXPECT_EQ(join_->NextDueTime(), kStart + 170);
}

TEST_F(LabelJoinTest, CorrectCorrectsALabelThatChangesLater) {
  Open(RuleOf(v1::LABEL_POLICY_CORRECT, 100, 1000));
  Apply(EventsAt(kStart, {"a", "b"}));
  DecideAndApply(kStart + 100);
  Apply(FeedbackAt(kStart + 200, {Item("b", 1, {}, "x")}));
  v1::LabelsNote note = DecideAndApply(kStart + 200);
  ASSERT_EQ(note.records_size(), 1);
  EXPECT_EQ(note.records(0).first_row(), 1U);
  EXPECT_THAT(note.records(0).labels(), ElementsAre(1));
  EXPECT_THAT(note.records(0).old_labels(), ElementsAre(0));
  EXPECT_EQ(note.settled_below(), 0U);  // It may be corrected again.
  EXPECT_EQ(Find("b").state(), v1::EVENT_STATE_CORRECTED);
  EXPECT_EQ(Find("b").label(), 1);
  EXPECT_EQ(Figures().corrected_count(), 1U);

  Apply(FeedbackAt(kStart + 300, {Withdrawal("b", "x")}));
  note = DecideAndApply(kStart + 300);
  EXPECT_THAT(note.records(0).labels(), ElementsAre(0));
  EXPECT_THAT(note.records(0).old_labels(), ElementsAre(1));
  EXPECT_EQ(Figures().corrected_count(), 1U);
  EXPECT_FALSE(IsDue(kStart + 300));
}

TEST_F(LabelJoinTest, ACorrectionThatIsTakenBackInTimeIsNotMade) {
  Open(RuleOf(v1::LABEL_POLICY_CORRECT, 100, 1000));
  Apply(EventsAt(kStart, {"a"}));
  DecideAndApply(kStart + 100);
  Apply(FeedbackAt(kStart + 200, {Item("a", 1, {}, "x")}));
  Apply(FeedbackAt(kStart + 201, {Withdrawal("a", "x")}));
  EXPECT_FALSE(IsDue(kStart + 300));
}

TEST_F(LabelJoinTest, FeedbackWhileADecisionIsOnItsWayCorrectsIt) {
  Open(RuleOf(v1::LABEL_POLICY_CORRECT, 100, 1000));
  Apply(EventsAt(kStart, {"a"}));
  const v1::LabelsNote note = Decide(kStart + 100);
  Apply(FeedbackAt(kStart + 101, {Item("a")}));
  Apply(LabelsAt(kStart + 102, note));
  EXPECT_THAT(DecideAndApply(kStart + 102).records(0).old_labels(), ElementsAre(0));
}

TEST_F(LabelJoinTest, CorrectLearnsDroppedEventsOnceTheirFeedbackComes) {
  v1::LabelRule rule = RuleOf(v1::LABEL_POLICY_CORRECT, 100, 1000);
  rule.set_drop_unmatched(true);
  Open(rule);
  Apply(EventsAt(kStart, {"a"}));
  EXPECT_TRUE(std::isnan(DecideAndApply(kStart + 100).records(0).labels(0)));
  EXPECT_EQ(Find("a").state(), v1::EVENT_STATE_DROPPED);
  EXPECT_FALSE(Find("a").has_label());
  Apply(FeedbackAt(kStart + 200, {Item("a")}));
  const v1::LabelsNote note = DecideAndApply(kStart + 200);
  EXPECT_THAT(note.records(0).old_labels(), IsEmpty());
  EXPECT_THAT(note.records(0).labels(), ElementsAre(1));
  EXPECT_EQ(Figures().dropped_count(), 0U);
  EXPECT_EQ(Figures().matched_count(), 1U);
}

TEST_F(LabelJoinTest, FeedbackThatComesFirstIsHeldForItsEvent) {
  Open(RuleOf(v1::LABEL_POLICY_AFTER_WAIT, 100, 0, 500));
  Apply(FeedbackAt(kStart, {Item("a", 1, kStart - 10), Item("b")}));
  EXPECT_EQ(Figures().held_count(), 2U);
  Apply(EventsAt(kStart + 20, {"a"}));
  EXPECT_EQ(Figures().held_count(), 1U);
  EXPECT_EQ(Find("a").feedback_size(), 1);
  EXPECT_EQ(Figures().delays(0).count(), 1U);  // A negative delay is in the first bin.
  EXPECT_THAT(DecideAndApply(kStart + 120).records(0).labels(), ElementsAre(1));

  Apply(FeedbackAt(kStart + 500, {}));
  EXPECT_EQ(Figures().unmatched_count(), 0U);
  Apply(FeedbackAt(kStart + 501, {}));
  EXPECT_EQ(Figures().unmatched_count(), 1U);
  EXPECT_EQ(Figures().held_count(), 0U);
  EXPECT_THAT(Figures().unmatched_samples(), ElementsAre("b"));
  Apply(EventsAt(kStart + 502, {"b"}));
  EXPECT_EQ(Find("b").feedback_size(), 0);
}

TEST_F(LabelJoinTest, HeldFeedbackMayBeWithdrawnAndMaySettleItsEvent) {
  Open(RuleOf(v1::LABEL_POLICY_AT_FEEDBACK, 100));
  Apply(FeedbackAt(kStart, {Withdrawal("a", "x"), Item("a", 1, {}, "x"), Item("b")}));
  Apply(EventsAt(kStart + 1, {"a", "b"}));
  const v1::LabelsNote note = DecideAndApply(kStart + 1);
  ASSERT_EQ(note.records_size(), 1);
  EXPECT_EQ(note.records(0).first_row(), 1U);
}

TEST_F(LabelJoinTest, FeedbackThatDoesNotCountIsCounted) {
  v1::LabelRule rule = RuleOf(v1::LABEL_POLICY_AFTER_WAIT, 100);
  rule.add_feedback()->set_name("buy");
  rule.mutable_feedback(0)->set_weight(3);
  Open(rule);
  Apply(EventsAt(kStart, {"a", "b"}));
  Apply(FeedbackAt(kStart + 1, {Item("a"), Item("b", 1, {}, "x", "buy"),
                                Item("b", 1, {}, "x", "buy"), Item("", 1, {}, "x", "buy")}));
  EXPECT_EQ(Figures().ignored_count(), 1U);
  EXPECT_EQ(Figures().duplicate_count(), 1U);
  EXPECT_EQ(Figures().held_count(), 0U);  // The malformed one has no effect.
  const v1::LabelsNote note = DecideAndApply(kStart + 100);
  EXPECT_THAT(note.records(0).labels(), ElementsAre(0, 1));
  EXPECT_THAT(note.records(0).weights(), ElementsAre(1, 3));
  EXPECT_EQ(Find("b").weight(), 3);
}

TEST_F(LabelJoinTest, EventsWhoseIdIsTakenAreNotLearned) {
  Open(RuleOf(v1::LABEL_POLICY_AFTER_WAIT, 100, 1000));
  Apply(EventsAt(kStart, {"a", "b", "a"}));
  Apply(EventsAt(kStart + 1, {"b", "c"}));
  Apply(FeedbackAt(kStart + 2, {Item("a"), Item("b")}));
  EXPECT_EQ(Figures().duplicate_event_count(), 2U);
  EXPECT_EQ(Figures().pending_count(), 3U);
  const v1::LabelsNote note = DecideAndApply(kStart + 200);
  ASSERT_EQ(note.records_size(), 2);
  EXPECT_EQ(note.records(0).labels(0), 1);
  EXPECT_EQ(note.records(0).labels(1), 1);
  EXPECT_TRUE(std::isnan(note.records(0).labels(2)));
  EXPECT_TRUE(std::isnan(note.records(1).labels(0)));
  EXPECT_EQ(note.records(1).labels(1), 0);
  EXPECT_EQ(Figures().dropped_count(), 0U);
  EXPECT_EQ(Figures().pending_count(), 0U);
  EXPECT_THAT(List(v1::EVENT_STATE_UNSPECIFIED), ElementsAre("a", "b", "c"));
}

TEST_F(LabelJoinTest, EventsWithOwnTimesAreDueByTheTimesOfTheStream) {
  Open(RuleOf(v1::LABEL_POLICY_AFTER_WAIT, 100, 1000));
  Apply(EventsAt(kStart, {"a", "b"}, {5000, 5050}));
  EXPECT_EQ(join_->NextDueTime(), kStart + 100);
  Apply(EventsAt(kStart, {"c"}, {6000}));
  EXPECT_FALSE(IsDue(kStart));  // Feedback may be behind.
  Apply(FeedbackAt(kStart, {Item("a", 1, 5100)}));
  EXPECT_EQ(join_->NextDueTime(), 0);
  EXPECT_THAT(DecideAndApply(kStart).records(0).labels(), ElementsAre(1));
  EXPECT_FALSE(IsDue(kStart));
  Apply(FeedbackAt(kStart, {Item("c", 1, 6001)}));
  EXPECT_THAT(DecideAndApply(kStart).records(0).labels(), ElementsAre(0));
  EXPECT_FALSE(IsDue(kStart + 99));
  EXPECT_THAT(DecideAndApply(kStart + 100).records(0).labels(), ElementsAre(1));  // By the clock.
}

TEST_F(LabelJoinTest, ALaterEventIsNeverDecidedBeforeAnEarlierOneIsDue) {
  Open(RuleOf(v1::LABEL_POLICY_AFTER_WAIT, 100, 10'000));
  Apply(EventsAt(kStart, {"a", "b"}, {9000, 5000}));
  Apply(EventsAt(kStart, {"c"}, {9050}));
  Apply(FeedbackAt(kStart, {Item("b", 1, 9099)}));
  EXPECT_FALSE(IsDue(kStart));
  Apply(EventsAt(kStart, {"d"}, {9200}));
  Apply(FeedbackAt(kStart, {Item("b", 1, 9100)}));
  EXPECT_THAT(DecideAndApply(kStart).records(0).labels(), ElementsAre(0, 0));
}

TEST_F(LabelJoinTest, ANewRuleHoldsFromItsRecordOn) {
  Open(RuleOf(v1::LABEL_POLICY_AFTER_WAIT, 100));
  Apply(EventsAt(kStart, {"a"}));
  v1::LabelRule rule = RuleOf(v1::LABEL_POLICY_AFTER_WAIT, 10);
  rule.set_default_label(-1);
  Apply(RuleAt(kStart + 1, rule));
  EXPECT_EQ(join_->NextDueTime(), kStart + 10);
  EXPECT_THAT(DecideAndApply(kStart + 10).records(0).labels(), ElementsAre(-1));
}

TEST_F(LabelJoinTest, AMalformedPageTokenIsRefused) {
  Open(RuleOf(v1::LABEL_POLICY_AFTER_WAIT, 100));
  for (const char* const token : {"x", "1", "1.", "1.2x", "-1.2"}) {
    const auto page = join_->List(v1::EVENT_STATE_PENDING, 0, token);
    EXPECT_TRUE(absl::IsInvalidArgument(page.status())) << token;
  }
}

}  // namespace
}  // namespace freshet
