#include "server/record/events_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "server/record/record.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

// Events a, b, c, ... of one feature each, with the ids 10, 11, 12, ...
v1::LearnRequest EventsRequest(int rows) {
  v1::LearnRequest request;
  v1::PackedBatch& packed = *request.mutable_packed();
  packed.add_namespaces("");
  packed.add_segment_sizes(1);
  packed.set_row_count(static_cast<uint32_t>(rows));
  for (int row = 0; row < rows; ++row) {
    packed.add_feature_ids(10 + static_cast<uint32_t>(row));
    request.add_event_ids(std::string(1, static_cast<char>('a' + row)));
  }
  return request;
}

std::shared_ptr<const EventsRecord> Events(const v1::LearnRequest& request) {
  auto rows = BatchRecord::Parse(SharedBytes::Of(request.SerializeAsString()));
  v1::BatchError error;
  EXPECT_TRUE(rows->Decode(LossKind::kLogistic, {}, error)) << error.message();
  rows->set_envelope({.sender = "shop", .max_producers = 7});
  auto events = std::make_shared<EventsRecord>();
  events->rows = std::move(rows);
  return events;
}

v1::LabelledRecord Decided(const std::vector<uint32_t>& rows, const std::vector<float>& labels) {
  v1::LabelledRecord decided;
  decided.mutable_rows()->Assign(rows.begin(), rows.end());
  decided.mutable_labels()->Assign(labels.begin(), labels.end());
  return decided;
}

std::string WholePayload(const EncodedRecord& record) {
  std::string payload;
  for (const ByteSpan piece : record.pieces()) {
    payload.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  }
  return payload;
}

absl::StatusOr<Record> Parse(RecordKind kind, const std::string& payload) {
  return ParseRecord(kind, std::as_bytes(std::span(payload)), LossKind::kLogistic);
}

TEST(EventsRecordTest, EventsComeBackAsTheyWereLogged) {
  v1::LearnRequest request = EventsRequest(2);
  request.set_producer_id("p");
  request.set_sequence(3);
  request.add_event_times_ms(5);
  request.add_event_times_ms(6);
  EventsRecord events = *Events(request);
  events.note.add_scores(0.5f);
  events.note.add_scores(-1);
  events.note.set_variant("main");
  const EncodedRecord encoded = FormatRecord({.time_ms = 42, .body = events});
  EXPECT_EQ(encoded.kind, RecordKind::kEvents);
  const std::string payload = WholePayload(encoded);
  const absl::StatusOr<Record> read = Parse(encoded.kind, payload);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->time_ms, 42);
  const auto& found = std::get<EventsRecord>(read->body);
  EXPECT_EQ(found.rows->request().SerializeAsString(), request.SerializeAsString());
  EXPECT_EQ(found.rows->envelope()->sender, "shop");
  EXPECT_EQ(found.event_id(1), "b");
  EXPECT_EQ(found.time_ms(1, read->time_ms), 6);
  EXPECT_THAT(found.note.scores(), ElementsAre(0.5f, -1));
  EXPECT_EQ(found.note.variant(), "main");
  for (size_t size = 0; size < payload.size(); size += 3) {
    const absl::Status status = Parse(encoded.kind, payload.substr(0, size)).status();
    EXPECT_TRUE(status.ok() || absl::IsDataLoss(status)) << status;
  }
}

TEST(EventsRecordTest, FeedbackComesBackAsItWasLogged) {
  v1::FeedbackRequest request;
  request.set_producer_id("p");
  request.set_sequence(9);
  request.add_items()->set_event_id("a");
  FeedbackRecord feedback = ParseFeedback(SharedBytes::Of(request.SerializeAsString()));
  feedback.envelope = {.sender = "shop", .max_producers = 7};
  const EncodedRecord encoded = FormatRecord({.time_ms = 1, .body = feedback});
  EXPECT_EQ(encoded.kind, RecordKind::kFeedback);
  const std::string payload = WholePayload(encoded);
  const absl::StatusOr<Record> read = Parse(encoded.kind, payload);
  ASSERT_TRUE(read.ok()) << read.status();
  const auto& found = std::get<FeedbackRecord>(read->body);
  EXPECT_EQ(found.request->SerializeAsString(), request.SerializeAsString());
  EXPECT_EQ(found.envelope.max_producers, 7U);
}

TEST(EventsRecordTest, DecisionsComeBackAsTheyWereLogged) {
  auto note = std::make_shared<v1::LabelsNote>();
  note->set_number(3);
  *note->add_records() = Decided({0, 2}, {1, kNone});
  const EncodedRecord encoded =
      FormatRecord({.time_ms = 1, .body = LabelsRecord{.note = note, .rows = nullptr}});
  EXPECT_EQ(encoded.kind, RecordKind::kLabels);
  const std::string payload = WholePayload(encoded);
  const absl::StatusOr<Record> read = Parse(encoded.kind, payload);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(std::get<LabelsRecord>(read->body).note->SerializeAsString(),
            note->SerializeAsString());
  EXPECT_TRUE(absl::IsDataLoss(Parse(encoded.kind, payload.substr(0, 8)).status()))
      << "a decision has a number";
}

TEST(EventsRecordTest, RowsAreLearnedWithTheirLabelsInRuns) {
  v1::LearnRequest request = EventsRequest(5);
  for (const float weight : {1.0f, 2.0f, 3.0f, 4.0f, 5.0f}) {
    request.mutable_packed()->add_weights(weight);
  }
  v1::LabelledRecord decided = Decided({0, 1, 3, 4}, {1, 0, 1, kNone});
  for (const float weight : {1.0f, 1.0f, 0.5f, 1.0f}) decided.add_weights(weight);
  LabelledRows rows;
  ASSERT_TRUE(AddLabelledRows(decided, Events(request), rows).ok());
  ASSERT_EQ(rows.runs.size(), 2U) << "row 2 is not decided, row 4 is settled without being learned";
  EXPECT_THAT(rows.runs[0]->examples.feature_ids, ElementsAre(10, 11));
  EXPECT_THAT(rows.runs[0]->examples.labels, ElementsAre(1, 0));
  EXPECT_THAT(rows.runs[0]->examples.weights, ElementsAre(1, 2)) << "those of the rows";
  EXPECT_THAT(rows.runs[1]->examples.feature_ids, ElementsAre(13));
  EXPECT_THAT(rows.runs[1]->examples.weights, ElementsAre(2)) << "4 times 0.5";
  EXPECT_THAT(rows.runs[1]->served_scores, IsEmpty());
}

TEST(EventsRecordTest, AllRowsFromOneOnNeedNoList) {
  v1::LabelledRecord decided = Decided({}, {0, 1});
  decided.set_first_row(1);
  LabelledRows rows;
  ASSERT_TRUE(AddLabelledRows(decided, Events(EventsRequest(4)), rows).ok());
  ASSERT_EQ(rows.runs.size(), 1U);
  EXPECT_THAT(rows.runs[0]->examples.feature_ids, ElementsAre(11, 12));
}

TEST(EventsRecordTest, DecisionsThatDoNotFitTheRecordAreDamage) {
  const auto events = Events(EventsRequest(2));
  LabelledRows rows;
  EXPECT_TRUE(absl::IsDataLoss(AddLabelledRows(Decided({2}, {1}), events, rows)));
  EXPECT_TRUE(absl::IsDataLoss(AddLabelledRows(Decided({0, 1}, {1}), events, rows)));
  v1::LabelledRecord weights = Decided({0}, {1});
  weights.add_weights(1);
  weights.add_weights(1);
  EXPECT_TRUE(absl::IsDataLoss(AddLabelledRows(weights, events, rows)));
}

TEST(EventsRecordTest, BadIdsAreNamedByRow) {
  v1::LearnRequest request = EventsRequest(3);
  request.set_event_ids(1, "");
  request.set_event_ids(2, std::string(129, 'x'));
  v1::BatchError error;
  EXPECT_FALSE(CheckEvents(request, 3, error));
  EXPECT_EQ(error.bad_row_count(), 2U);
  EXPECT_THAT(error.message(), HasSubstr("row 1: event_ids: is empty"));
  v1::BatchError count;
  EXPECT_FALSE(CheckEvents(EventsRequest(2), 3, count));
  EXPECT_THAT(count.message(), HasSubstr("3 rows, 2 event_ids"));
  v1::BatchError good;
  EXPECT_TRUE(CheckEvents(EventsRequest(3), 3, good));
}

TEST(EventsRecordTest, EachFaultOfFeedbackIsNamed) {
  const auto field_of = [](const v1::FeedbackItem& item) {
    v1::RowError fault;
    DescribeFeedbackFault(item, fault);
    EXPECT_EQ(IsGoodFeedback(item), fault.field().empty());
    return fault.field();
  };
  v1::FeedbackItem item;
  EXPECT_EQ(field_of(item), "event_id");
  item.set_event_id("a");
  EXPECT_EQ(field_of(item), "");
  item.set_value(std::numeric_limits<float>::infinity());
  EXPECT_EQ(field_of(item), "value");
  item.set_value(-3);
  EXPECT_EQ(field_of(item), "") << "negative values are good";
  item.set_time_ms(-1);
  EXPECT_EQ(field_of(item), "time_ms");
  item.clear_time_ms();
  item.set_name(std::string(65, 'n'));
  EXPECT_EQ(field_of(item), "name");
  item.set_name("click");
  item.set_feedback_id(std::string(129, 'f'));
  EXPECT_EQ(field_of(item), "feedback_id");
}

}  // namespace
}  // namespace freshet
