#include "server/record/events_record.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/str_cat.h"
#include "server/codec/batch_rows.h"

namespace freshet {
namespace {

constexpr int kMaxReportedRows = 16;
constexpr int kInvalidArgument = 3;

// Adds a bad row to the error.
void AddFault(size_t row, std::string_view field, std::string reason, v1::BatchError& error) {
  error.set_bad_row_count(error.bad_row_count() + 1);
  if (error.rows_size() == kMaxReportedRows) return;
  v1::RowError& fault = *error.add_rows();
  fault.set_row(static_cast<uint32_t>(row));
  fault.set_field(std::string(field));
  fault.set_reason(std::move(reason));
}

std::string IdReason(std::string_view id) {
  return id.empty() ? "is empty; it takes 1 to 128 bytes"
                    : StrCat("has ", id.size(), " bytes; it takes at most ", kMaxEventIdBytes);
}

bool IsEventId(std::string_view id) { return !id.empty() && id.size() <= kMaxEventIdBytes; }

// What is wrong with an item: the field, and the reason; an empty field if nothing is.
struct Fault {
  std::string_view field;
  std::string reason;
};

Fault FaultOf(const v1::FeedbackItem& item) {
  if (!IsEventId(item.event_id())) return {"event_id", IdReason(item.event_id())};
  if (item.name().size() > kMaxFeedbackNameBytes) {
    return {"name",
            StrCat("has ", item.name().size(), " bytes; it takes at most ", kMaxFeedbackNameBytes)};
  }
  if (item.feedback_id().size() > kMaxEventIdBytes) {
    return {"feedback_id", StrCat("has ", item.feedback_id().size(), " bytes; it takes at most ",
                                  kMaxEventIdBytes)};
  }
  if (item.has_value() && !std::isfinite(item.value())) {
    return {"value", StrCat("is ", item.value(), "; it must be finite")};
  }
  if (item.has_time_ms() && item.time_ms() < 0) {
    return {"time_ms", StrCat("is ", item.time_ms(), "; it must be >= 0")};
  }
  return {};
}

// The label of the row of this index that `decided` lists. Not a number: it is not learned.
bool IsLearned(const v1::LabelledRecord& decided, int index) {
  return !std::isnan(decided.labels(index));
}

// Adds the rows [begin, end) of what `decided` lists, which stand one after the other in the
// record, from `first_row` on.
void AddRun(const v1::LabelledRecord& decided, int begin, int end, size_t first_row,
            const std::shared_ptr<const EventsRecord>& owner, LabelledRows& rows) {
  const EventsRecord& events = *owner;
  const auto count = static_cast<size_t>(end - begin);
  auto run = std::make_unique<LabelledRun>();
  run->owner = owner;
  run->examples = ViewRows(events.rows->examples(), first_row, first_row + count, run->row_ends);
  run->labels.assign(decided.labels().begin() + begin, decided.labels().begin() + end);
  const std::span<const float> own_weights = events.rows->examples().weights;
  if (!decided.weights().empty() || !own_weights.empty()) {
    for (size_t i = 0; i < count; ++i) {
      const int index = begin + static_cast<int>(i);
      const float decided_weight = decided.weights().empty() ? 1.0f : decided.weights(index);
      run->weights.push_back(decided_weight * ValueAt(own_weights, first_row + i));
    }
  }
  if (!decided.old_labels().empty()) {
    run->old_labels.assign(decided.old_labels().begin() + begin,
                           decided.old_labels().begin() + end);
  }
  const auto& scores = events.note.scores();
  if (!scores.empty()) {
    const auto first = scores.begin() + static_cast<ptrdiff_t>(first_row);
    run->served_scores.assign(first, first + static_cast<ptrdiff_t>(count));
  }
  run->examples.labels = run->labels;
  run->examples.weights = run->weights;
  rows.memory_bytes += sizeof(LabelledRun) + count * 6 * sizeof(float);
  rows.runs.push_back(std::move(run));
}

}  // namespace

bool CheckEvents(const v1::LearnRequest& request, size_t row_count, v1::BatchError& error) {
  const auto ids = static_cast<size_t>(request.event_ids_size());
  const auto times = static_cast<size_t>(request.event_times_ms_size());
  if (ids != row_count || (times != 0 && times != row_count)) {
    error.set_code(kInvalidArgument);
    error.set_message(StrCat("the batch has ", row_count, " rows, ", ids, " event_ids and ", times,
                             " event_times_ms; send an id for each row, and a time for each or "
                             "none"));
    return false;
  }
  for (size_t row = 0; row < row_count; ++row) {
    const std::string& id = request.event_ids(static_cast<int>(row));
    if (!IsEventId(id)) {
      AddFault(row, "event_ids", IdReason(id), error);
    } else if (times != 0 && request.event_times_ms(static_cast<int>(row)) < 0) {
      AddFault(row, "event_times_ms", "is below 0; it counts milliseconds since 1970", error);
    }
  }
  if (error.bad_row_count() == 0) return true;
  const v1::RowError& first = error.rows(0);
  error.set_code(kInvalidArgument);
  error.set_message(StrCat("row ", first.row(), ": ", first.field(), ": ", first.reason(),
                           "; nothing of this batch was accepted; mend the row and send it again"));
  return false;
}

FeedbackRecord ParseFeedback(SharedBytes wire) {
  auto request = std::make_shared<v1::FeedbackRequest>();
  const ByteSpan bytes = wire.bytes();
  FeedbackRecord record;
  if (request->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    record.request = std::move(request);
  }
  record.wire = std::move(wire);
  return record;
}

bool IsGoodFeedback(const v1::FeedbackItem& item) { return FaultOf(item).field.empty(); }

void DescribeFeedbackFault(const v1::FeedbackItem& item, v1::RowError& fault) {
  Fault found = FaultOf(item);
  fault.set_field(std::string(found.field));
  fault.set_reason(std::move(found.reason));
}

uint64_t SettledRows(const v1::LabelsNote& note) {
  uint64_t rows = 0;
  for (const v1::LabelledRecord& decided : note.records()) {
    if (decided.old_labels().empty()) rows += static_cast<uint64_t>(decided.labels_size());
  }
  return rows;
}

absl::Status AddLabelledRows(const v1::LabelledRecord& decided,
                             const std::shared_ptr<const EventsRecord>& events,
                             LabelledRows& rows) {
  const int count = decided.labels_size();
  const auto fits = [count](int size) { return size == 0 || size == count; };
  if (!fits(decided.rows_size()) || !fits(decided.weights_size()) ||
      !fits(decided.old_labels_size())) {
    return absl::DataLossError("a decision about labels has columns of different sizes");
  }
  const auto row_of = [&decided](int index) {
    return decided.rows().empty() ? size_t{decided.first_row()} + static_cast<size_t>(index)
                                  : size_t{decided.rows(index)};
  };
  for (int i = 0; i < count; ++i) {
    if (row_of(i) >= events->size()) {
      return absl::DataLossError(StrCat("a decision about labels names row ", row_of(i),
                                        " of a record with ", events->size(), " rows"));
    }
  }
  for (int begin = 0; begin < count;) {
    if (!IsLearned(decided, begin)) {
      ++begin;
      continue;
    }
    int end = begin + 1;
    while (end < count && IsLearned(decided, end) && row_of(end) == row_of(end - 1) + 1) ++end;
    AddRun(decided, begin, end, row_of(begin), events, rows);
    begin = end;
  }
  return absl::OkStatus();
}

}  // namespace freshet
