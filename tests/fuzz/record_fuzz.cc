// Feeds bytes to the server as the payload of a record of a model's log, and checks what reading
// guarantees: it never crashes; a record that it takes can be written and read again; a decision
// about labels that does not fit the events that it refers to is refused.
//
// The first byte of the input is the kind of the record.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "server/record/record.h"
#include "tests/fuzz/require.h"

namespace freshet {
namespace {

constexpr LossKind kLoss = LossKind::kLogistic;

// A record of three events, with a feature each.
std::shared_ptr<const EventsRecord> ThreeEvents() {
  v1::LearnRequest request;
  v1::PackedBatch& packed = *request.mutable_packed();
  packed.add_namespaces("");
  packed.add_segment_sizes(1);
  packed.set_row_count(3);
  for (uint32_t row = 0; row < 3; ++row) {
    packed.add_feature_ids(row);
    request.add_event_ids(std::to_string(row));
  }
  std::unique_ptr<BatchRecord> rows =
      BatchRecord::Parse(SharedBytes::Of(request.SerializeAsString()));
  v1::BatchError error;
  Require(rows->Decode(kLoss, {}, error), "events are a batch");
  auto events = std::make_shared<EventsRecord>();
  events->rows = std::move(rows);
  return events;
}

void CheckDecision(const v1::LabelsNote& note) {
  static const std::shared_ptr<const EventsRecord> kEvents = ThreeEvents();
  SettledRows(note);
  for (const v1::LabelledRecord& decided : note.records()) {
    LabelledRows rows;
    if (!AddLabelledRows(decided, kEvents, rows).ok()) continue;
    for (const std::unique_ptr<const LabelledRun>& run : rows.runs) {
      const ExampleBatch& batch = run->examples;
      Require(batch.labels.size() == batch.size(), "one label per row");
      Require(batch.weights.empty() || batch.weights.size() == batch.size(), "one weight per row");
      Require(run->old_labels.empty() || run->old_labels.size() == batch.size(),
              "one old label per row");
      Require(batch.size() == 0 || batch.row_ends.back() == batch.feature_ids.size(),
              "rows hold all features");
      for (const float label : batch.labels) Require(!std::isnan(label), "labels are numbers");
    }
  }
}

void CheckFeedback(const v1::FeedbackRequest& request) {
  for (const v1::FeedbackItem& item : request.items()) {
    if (IsGoodFeedback(item)) continue;
    v1::RowError fault;
    DescribeFeedbackFault(item, fault);
    Require(!fault.reason().empty(), "refused feedback has a reason");
  }
}

void CheckWriting(const Record& record) {
  // Batches of the oldest servers have no envelope, and are never written again.
  if (record.batch() != nullptr && !record.batch()->envelope()) return;
  const EncodedRecord encoded = FormatRecord(record);
  std::string payload;
  for (const ByteSpan piece : encoded.pieces()) {
    payload.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  }
  Require(ParseRecord(encoded.kind, std::as_bytes(std::span(payload)), kLoss).ok(),
          "what was written can be read");
}

void Feed(const uint8_t* data, size_t size) {
  if (size == 0) return;
  const std::span<const uint8_t> payload(data + 1, size - 1);
  const absl::StatusOr<Record> record =
      ParseRecord(static_cast<RecordKind>(data[0]), std::as_bytes(payload), kLoss);
  if (!record.ok()) {
    Require(!record.status().message().empty(), "errors have a message");
    return;
  }
  CheckWriting(*record);
  if (const auto* labels = std::get_if<LabelsRecord>(&record->body)) CheckDecision(*labels->note);
  if (const auto* feedback = std::get_if<FeedbackRecord>(&record->body)) {
    CheckFeedback(*feedback->request);
  }
}

}  // namespace
}  // namespace freshet

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  freshet::Feed(data, size);
  return 0;
}
