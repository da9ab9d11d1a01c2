#include "server/view/labels_view.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <utility>

#include "server/record/record.h"

namespace freshet {
namespace {

// `rows` events of one feature each, which were predicted with the logit 2.
std::shared_ptr<const EventsRecord> Events(int rows) {
  v1::LearnRequest request;
  v1::PackedBatch& packed = *request.mutable_packed();
  packed.add_namespaces("");
  packed.add_segment_sizes(1);
  packed.set_row_count(static_cast<uint32_t>(rows));
  auto events = std::make_shared<EventsRecord>();
  for (int row = 0; row < rows; ++row) {
    packed.add_feature_ids(7);
    request.add_event_ids("e");
    events->note.add_scores(2);
  }
  auto decoded = BatchRecord::Parse(SharedBytes::Of(request.SerializeAsString()));
  v1::BatchError error;
  EXPECT_TRUE(decoded->Decode(LossKind::kLogistic, {}, error)) << error.message();
  decoded->set_envelope({.sender = "", .max_producers = 1});
  events->rows = std::move(decoded);
  return events;
}

// The decision that the first row of `events`, which stand at offset 0, has this label.
LabelsRecord Decision(const std::shared_ptr<const EventsRecord>& events, float label) {
  auto note = std::make_shared<v1::LabelsNote>();
  note->set_number(1);
  note->set_due_row(1);
  v1::LabelledRecord& decided = *note->add_records();
  decided.add_labels(label);
  auto rows = std::make_shared<LabelledRows>();
  EXPECT_TRUE(AddLabelledRows(decided, events, *rows).ok());
  return {.note = std::move(note), .rows = std::move(rows)};
}

TEST(LabelsViewTest, KnowsWhatOfTheLogIsStillNeeded) {
  LabelsView view({});
  EXPECT_TRUE(view.empty());
  EXPECT_EQ(view.needed_from(), 0U);
  const auto events = Events(2);
  view.Apply({.time_ms = 1, .body = *events}, nullptr);
  view.Apply({.time_ms = 1, .body = SettingsRecord{}}, nullptr);
  EXPECT_EQ(view.pending_rows(), 2U);
  EXPECT_EQ(view.needed_from(), 0U);
  view.Apply({.time_ms = 2, .body = Decision(events, 0)}, nullptr);
  EXPECT_EQ(view.number(), 1U);
  EXPECT_EQ(view.pending_rows(), 1U);
  EXPECT_EQ(view.needed_from(), 0U) << "the second row waits";
}

// Served scores are corrected for dropped negatives; to correct them again would flatter or damn
// the model.
TEST(LabelsViewTest, MeasuresTheScoresThatWereGivenOutAsTheyWereGivenOut) {
  for (const double rate : {1.0, 0.1}) {
    LabelsView view({.loss = LossKind::kLogistic, .negative_sampling_rate = rate});
    const auto events = Events(1);
    view.Apply({.time_ms = 1, .body = *events}, nullptr);
    view.Apply({.time_ms = 2, .body = Decision(events, 1)}, nullptr);
    v1::LabelFigures figures;
    view.Describe(figures);
    EXPECT_EQ(figures.served_count(), 1U);
    EXPECT_NEAR(figures.served_loss(), std::log1p(std::exp(-2.0)), 1e-6) << rate;
    EXPECT_EQ(figures.log_kept_from(), 2U) << "nothing waits";
  }
}

}  // namespace
}  // namespace freshet
