#include "client/command/prediction_run.h"

#include <iostream>

#include "client/command/exit_code.h"
#include "client/packed_encoder.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

// Large enough to spread the cost of a call, small enough for results to stream.
constexpr size_t kRowsPerCall = 256;

}  // namespace

absl::Status PredictionRun::Run(ExampleReader* reader) {
  if (steps_.log) {
    batch_.KeepNames(&names_);
    next_.KeepNames(&names_);
  }
  while (true) {
    const absl::StatusOr<bool> row = reader->Next(batch_);
    absl::Status status = row.status();
    if (absl::IsInvalidArgument(status)) {
      status = SkipOrEnd(status);
      if (status.ok()) continue;
    }
    if (status.ok() && *row) status = TakeRow(reader);
    const bool ends = !status.ok() || !*row;
    if (!ends && !IsFull(batch_, kRowsPerCall) && !reader->WouldBlock()) continue;
    if (absl::Status answered = Answer(); !answered.ok()) return answered;
    if (ends) return status;
  }
}

absl::Status PredictionRun::SkipOrEnd(const absl::Status& reason) const {
  return steps_.on_bad_row != nullptr ? steps_.on_bad_row(reason)
                                      : DataError(ToStd(reason.message()));
}

// Handles the row that was added to batch_. If the batch has too many namespaces with it, has the
// rows before it predicted.
absl::Status PredictionRun::TakeRow(ExampleReader* reader) {
  if (HasTooManyNamespaces(batch_)) {
    next_.Clear();
    batch_.MoveLastRowTo(next_);
    if (absl::Status status = Answer(); !status.ok()) return status;
    std::swap(batch_, next_);
  }
  if (batch_.row_count() == 1) {
    first_place_ = StrCat(reader->path(), ":", reader->line_number());
  }
  absl::Status status;
  if (steps_.events != nullptr) {
    status = steps_.events->Read(*reader);
    if (!status.ok()) status = DataError(ToStd(status.message()));
  }
  if (status.ok() && steps_.on_row != nullptr) status = steps_.on_row(*reader);
  if (!status.ok()) {
    batch_.RemoveLastRow();
  } else if (steps_.events != nullptr) {
    steps_.events->Add();
  }
  return status;
}

absl::Status PredictionRun::Answer() {
  if (batch_.row_count() == 0) return absl::OkStatus();
  const absl::StatusOr<Predictions> answer = Predict();
  if (!answer.ok()) {
    if (!absl::IsInvalidArgument(answer.status())) return answer.status();
    return DataError(StrCat("in the batch that begins at ", first_place_, ": ",
                            ToStd(answer.status().message())));
  }
  WarnOfUnlearned(answer->unlearned_rows);
  WarnOfDropped(answer->dropped_event_count);
  absl::Status status = steps_.on_answer(*answer, batch_.View());
  batch_.Clear();
  return status;
}

absl::StatusOr<Predictions> PredictionRun::Predict() {
  if (!steps_.log) return client_.Predict(model_, batch_);
  PredictOptions options = *steps_.log;
  options.event_ids = steps_.events->ids();
  options.event_times_ms = steps_.events->times_ms();
  steps_.events->Clear();
  return client_.Predict(model_, batch_, options);
}

void PredictionRun::WarnOfDropped(uint32_t count) {
  if (count == 0) return;
  if (dropped_event_count_ == 0) {
    std::cerr
        << "freshet: warning: the rows from " << first_place_
        << " are predicted but not logged, since too many events wait or the model's queue is "
           "full; 'freshet models describe' says how many wait\n";
  }
  dropped_event_count_ += count;
}

// Once is enough: usually all rows are affected or none.
void PredictionRun::WarnOfUnlearned(const std::vector<uint32_t>& rows) {
  if (rows.empty() || warned_) return;
  warned_ = true;
  std::cerr << "freshet: warning: the model never learned most features of row " << rows.front() + 1
            << " from " << first_place_
            << ", so its prediction says little; are fields named as while learning?\n";
}

}  // namespace freshet
