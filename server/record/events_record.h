// The records of labels that come later: events, feedback, and the decisions about labels.

#ifndef FRESHET_SERVER_RECORD_EVENTS_RECORD_H_
#define FRESHET_SERVER_RECORD_EVENTS_RECORD_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/feature/example_batch.h"
#include "freshet/v1/label_rule.pb.h"
#include "freshet/v1/learning_service.pb.h"
#include "freshet/v1/log_record.pb.h"
#include "server/record/batch_record.h"
#include "server/record/encoded_record.h"

namespace freshet {

inline constexpr size_t kMaxEventIdBytes = 128;
inline constexpr size_t kMaxFeedbackNameBytes = 64;

// Events that were accepted: rows without labels, each with an id.
struct EventsRecord {
  // Decoded without labels; the request has an id for each row. With an envelope. The producer id
  // is empty if the events come from a call of Predict.
  std::shared_ptr<const BatchRecord> rows;
  v1::EventsNote note;

  size_t size() const { return rows->examples().size(); }
  std::string_view event_id(size_t row) const {
    return rows->request().event_ids(static_cast<int>(row));
  }
  // When the event happened, in milliseconds since 1970. `record_time_ms` is that of the record.
  int64_t time_ms(size_t row, int64_t record_time_ms) const {
    const auto& own = rows->request().event_times_ms();
    return own.empty() ? record_time_ms : own.Get(static_cast<int>(row));
  }
  bool has_own_times() const { return !rows->request().event_times_ms().empty(); }
};

// Checks the ids and times of events. True if they are good; else fills in `error`, which names the
// rows. REQUIRES: the batch has `row_count` rows.
bool CheckEvents(const v1::LearnRequest& request, size_t row_count, v1::BatchError& error);

// Feedback that was accepted. Items that IsGoodFeedback() refuses have no effect.
struct FeedbackRecord {
  std::shared_ptr<const v1::FeedbackRequest> request;
  SharedBytes wire;  // The request as it was received.
  BatchEnvelope envelope;
};

// Parses a serialised v1.FeedbackRequest; a record with a null request if the bytes are not one.
FeedbackRecord ParseFeedback(SharedBytes wire);

// Whether an item is well-formed. What it finds is part of the log's format: replay asks again.
bool IsGoodFeedback(const v1::FeedbackItem& item);

// Says what is wrong with an item that is not well-formed; sets all but the row.
void DescribeFeedbackFault(const v1::FeedbackItem& item, v1::RowError& fault);

// Rows of one record with events, one after the other, with the labels that were decided for them.
struct LabelledRun {
  std::shared_ptr<const EventsRecord> owner;  // Of the columns.
  ExampleBatch examples;                      // With labels and weights.
  // The labels that the rows were learned with before; empty: they were not.
  std::vector<float> old_labels;
  // The scores that were given out when the rows were predicted; empty: none were.
  std::vector<float> served_scores;

  // What `examples` refers to, beside the owner.
  std::vector<uint32_t> row_ends;
  std::vector<float> labels;
  std::vector<float> weights;
};

// The rows that a decision refers to, in the order in which they are learned. Does not change once
// it was made.
struct LabelledRows {
  std::vector<std::unique_ptr<const LabelledRun>> runs;
  uint64_t memory_bytes = 0;
};

// Adds the rows of `decided` that are learned to `rows`. DATA_LOSS if the decision does not fit the
// record `events`.
absl::Status AddLabelledRows(const v1::LabelledRecord& decided,
                             const std::shared_ptr<const EventsRecord>& events, LabelledRows& rows);

// How many events a decision settles that were not settled before.
uint64_t SettledRows(const v1::LabelsNote& note);

// The labels of events were decided.
struct LabelsRecord {
  std::shared_ptr<const v1::LabelsNote> note;
  // What is learned, fetched from the log (see server/model/event_loader.h); null until then.
  std::shared_ptr<const LabelledRows> rows;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_RECORD_EVENTS_RECORD_H_
