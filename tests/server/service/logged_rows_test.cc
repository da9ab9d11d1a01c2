#include "server/service/logged_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Three rows: a^1, then nothing in a and b^2 b^3, then a^4 b^5.
v1::PredictRequest PackedCall() {
  v1::PredictRequest request;
  v1::PackedBatch& packed = *request.mutable_packed();
  packed.add_namespaces("a");
  packed.add_namespaces("b");
  for (const uint32_t size : {1, 0, 0, 2, 1, 1}) packed.add_segment_sizes(size);
  for (const uint32_t id : {1, 2, 3, 4, 5}) {
    packed.add_feature_ids(id);
    packed.add_values(static_cast<float>(id) / 2);
    v1::FeatureName& name = *packed.add_names();
    name.set_id(id);
    name.set_name("n" + std::to_string(id));
  }
  for (const float label : {1, 0, 1}) packed.add_labels(label);
  return request;
}

absl::StatusOr<v1::LearnRequest> Begin(const v1::LogEvents& log, size_t rows) {
  return BeginEvents(log, rows, absl::UnixEpoch());
}

std::string FaultIn(const v1::LogEvents& log, size_t rows) {
  const absl::Status status = Begin(log, rows).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  return std::string(status.message());
}

TEST(LoggedRowsTest, RowsOfAPackedBatchAreTaken) {
  v1::PredictRequest request = PackedCall();
  v1::LogEvents& log = *request.mutable_log_events();
  log.add_rows(0);
  log.add_rows(2);
  log.add_event_ids("x");
  log.add_event_ids("y");
  log.add_event_times_ms(7);
  log.add_event_times_ms(8);
  auto events = Begin(log, 3);
  ASSERT_TRUE(events.ok()) << events.status();
  TakeLoggedRows(request, *events);
  EXPECT_THAT(events->event_ids(), ElementsAre("x", "y"));
  EXPECT_THAT(events->event_times_ms(), ElementsAre(7, 8));
  const v1::PackedBatch& rows = events->packed();
  EXPECT_EQ(rows.row_count(), 2U);
  EXPECT_THAT(rows.namespaces(), ElementsAre("a", "b"));
  EXPECT_THAT(rows.segment_sizes(), ElementsAre(1, 0, 1, 1));
  EXPECT_THAT(rows.feature_ids(), ElementsAre(1, 4, 5));
  EXPECT_THAT(rows.values(), ElementsAre(0.5f, 2.0f, 2.5f));
  EXPECT_THAT(rows.labels(), IsEmpty());
  ASSERT_EQ(rows.names_size(), 3);  // Not those of row 1.
  EXPECT_EQ(rows.names(1).name(), "n4");
  EXPECT_EQ(LoggedRow(log, 1), 2U);
}

TEST(LoggedRowsTest, RowsOfOneShapeAreTaken) {
  v1::PredictRequest request;
  v1::PackedBatch& packed = *request.mutable_packed();
  packed.add_namespaces("a");
  packed.add_segment_sizes(2);
  packed.set_row_count(3);
  for (const uint32_t id : {1, 2, 3, 4, 5, 6}) packed.add_feature_ids(id);
  request.mutable_log_events()->add_rows(1);
  auto events = Begin(request.log_events(), 3);
  ASSERT_TRUE(events.ok()) << events.status();
  TakeLoggedRows(request, *events);
  EXPECT_EQ(events->packed().row_count(), 1U);
  EXPECT_THAT(events->packed().feature_ids(), ElementsAre(3, 4));
  EXPECT_THAT(events->packed().segment_sizes(), ElementsAre(2));
  EXPECT_THAT(events->packed().values(), IsEmpty());
}

TEST(LoggedRowsTest, AllRowsAreTakenIfNoneAreNamed) {
  v1::PredictRequest request = PackedCall();
  auto events = Begin(request.log_events(), 3);
  ASSERT_TRUE(events.ok()) << events.status();
  EXPECT_EQ(events->event_ids_size(), 3);
  EXPECT_EQ(events->event_ids(0).size(), 26U);
  TakeLoggedRows(request, *events);
  EXPECT_EQ(events->packed().row_count(), 3U);
  EXPECT_THAT(events->packed().feature_ids(), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(events->packed().labels(), IsEmpty());
  EXPECT_EQ(events->packed().names_size(), 5);
}

TEST(LoggedRowsTest, ReadableRowsStayReadable) {
  v1::PredictRequest request;
  for (const char* name : {"a", "b", "c"}) {
    v1::Example& example = *request.mutable_examples()->add_examples();
    example.set_label(1);
    example.set_weight(2);
    example.add_namespaces()->set_name(name);
  }
  request.mutable_log_events()->add_rows(1);
  auto events = Begin(request.log_events(), 3);
  ASSERT_TRUE(events.ok()) << events.status();
  TakeLoggedRows(request, *events);
  ASSERT_EQ(events->examples().examples_size(), 1);
  EXPECT_EQ(events->examples().examples(0).namespaces(0).name(), "b");
  EXPECT_FALSE(events->examples().examples(0).has_label());
  EXPECT_FALSE(events->examples().examples(0).has_weight());
}

TEST(LoggedRowsTest, WhatIsMalformedIsNamed) {
  v1::LogEvents log;
  log.add_rows(1);
  log.add_rows(3);
  EXPECT_THAT(FaultIn(log, 3), HasSubstr("log_events.rows[1] is 3; the batch has the rows 0 to 2"));
  EXPECT_THAT(FaultIn(log, 1), HasSubstr("log_events.rows[0] is 1"));
  log.add_rows(3);
  EXPECT_THAT(FaultIn(log, 9), HasSubstr("log_events.rows[2] is 3, after 3"));
  log.clear_rows();
  log.add_event_ids("x");
  EXPECT_THAT(FaultIn(log, 2), HasSubstr("2 rows, 1 event_ids"));
  log.add_event_ids("");
  EXPECT_THAT(FaultIn(log, 2), HasSubstr("row 1: event_ids: is empty"));
  log.set_event_ids(1, std::string(129, 'x'));
  EXPECT_THAT(FaultIn(log, 2), HasSubstr("row 1: event_ids: has 129 bytes"));
  log.set_event_ids(1, std::string(128, 'x'));
  EXPECT_TRUE(Begin(log, 2).ok());
  log.add_event_times_ms(5);
  EXPECT_THAT(FaultIn(log, 2), HasSubstr("1 event_times_ms"));
  log.add_event_times_ms(-5);
  EXPECT_THAT(FaultIn(log, 2), HasSubstr("row 1: event_times_ms"));
}

}  // namespace
}  // namespace freshet
