#include "client/push_window.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "client/packed_encoder.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

// How many batches to keep for reuse: about as many as are on the wire at a time.
constexpr size_t kMaxSpareBatches = 16;

// The index among the rows as pushed of row `row` of the request.
uint32_t PushedRow(const PendingBatch& batch, uint32_t row) {
  return batch.remaining_rows.empty() ? row : batch.remaining_rows[row];
}

absl::Status RejectionError(const v1::BatchError& error, const PendingBatch& batch) {
  const auto code = static_cast<absl::StatusCode>(error.code());
  std::string message(error.message());
  if (error.rows_size() > 0) {
    const v1::RowError& row = error.rows(0);
    message = StrCat("row ", batch.first_index + PushedRow(batch, row.row()) + 1,
                     " was rejected: ", row.field(), ": ", row.reason());
    if (error.bad_row_count() > 1) {
      message += StrCat(" (the first of ", error.bad_row_count(), " bad rows in its batch)");
    }
  }
  return {code == absl::StatusCode::kOk ? absl::StatusCode::kInvalidArgument : code,
          ToAbsl(message)};
}

// Removes the elements with the indices `rows` from a column that has one for each row, or none.
template <typename Column>
void DropElements(const std::vector<uint32_t>& rows, Column* column) {
  int kept = 0;
  size_t next = 0;
  for (int row = 0; row < column->size(); ++row) {
    if (next < rows.size() && rows[next] == static_cast<uint32_t>(row)) {
      ++next;
    } else {
      column->SwapElements(kept++, row);
    }
  }
  while (column->size() > kept) column->RemoveLast();
}

// Removes from the batch the rows with the indices `rows` in its request.
void DropFromBatch(const std::vector<uint32_t>& rows, PendingBatch* batch) {
  DropRows(rows, batch->request.mutable_packed());
  DropElements(rows, batch->request.mutable_event_ids());
  DropElements(rows, batch->request.mutable_event_times_ms());
  std::vector<uint32_t> remaining;
  size_t next = 0;
  for (uint32_t row = 0; row < batch->remaining_count(); ++row) {
    if (next < rows.size() && rows[next] == row) {
      ++next;
    } else {
      remaining.push_back(PushedRow(*batch, row));
    }
  }
  batch->remaining_rows = std::move(remaining);
}

}  // namespace

std::shared_ptr<PendingBatch> PushWindow::NewBatch() {
  if (spare_.empty()) return std::make_shared<PendingBatch>();
  std::shared_ptr<PendingBatch> batch = std::move(spare_.back());
  spare_.pop_back();
  return batch;
}

void PushWindow::Recycle(std::shared_ptr<PendingBatch> batch) {
  if (spare_.size() >= kMaxSpareBatches) return;
  batch->sequence = 0;
  batch->numbers = RowNumbers();
  batch->send_count = 0;
  batch->refused_count = 0;
  batch->bytes = 0;
  batch->done = false;
  batch->builder.reset();
  batch->request.clear_event_ids();
  batch->request.clear_event_times_ms();
  batch->feedback.clear_items();
  batch->remaining_rows.clear();
  spare_.push_back(std::move(batch));
}

void PushWindow::Add(std::shared_ptr<PendingBatch> batch) {
  if (keep_predictions_) {
    constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
    batch->predictions.assign(batch->row_count, kNone);
    batch->scores.assign(batch->row_count, kNone);
  }
  bytes_ += batch->bytes;
  pushed_.push_back(batch);
  unsent_.push_back(std::move(batch));
}

bool PushWindow::HasNextToSend() const {
  return !unsent_.empty() || sent_on_stream_ < in_flight_.size();
}

std::shared_ptr<PendingBatch> PushWindow::NextToSend() {
  if (sent_on_stream_ < in_flight_.size()) return in_flight_[sent_on_stream_++];
  if (unsent_.empty()) return nullptr;
  std::shared_ptr<PendingBatch> batch = std::move(unsent_.front());
  unsent_.pop_front();
  batch->sequence = batch->numbers.last > 0 ? batch->numbers.last : next_sequence_++;
  in_flight_.push_back(batch);
  ++sent_on_stream_;
  return batch;
}

PushWindow::Queue::iterator PushWindow::FindSent(uint64_t sequence) {
  const auto end = in_flight_.begin() + static_cast<std::ptrdiff_t>(sent_on_stream_);
  const auto found = std::find_if(in_flight_.begin(), end, [sequence](const auto& batch) {
    return batch->sequence == sequence;
  });
  return found == end ? in_flight_.end() : found;
}

PushWindow::Queue::iterator PushWindow::TakeSent(const Queue::iterator& batch) {
  --sent_on_stream_;
  return in_flight_.erase(batch);
}

void PushWindow::Finish(PendingBatch* batch) {
  batch->done = true;
  bytes_ -= batch->bytes;
}

void PushWindow::KeepPredictions(const v1::LearnResponse& response, PendingBatch* batch) const {
  const size_t rows = batch->remaining_count();
  if (static_cast<size_t>(response.predictions_size()) != rows ||
      static_cast<size_t>(response.scores_size()) != rows) {
    return;
  }
  for (uint32_t row = 0; row < rows; ++row) {
    const uint32_t pushed_row = PushedRow(*batch, row);
    batch->predictions[pushed_row] = response.predictions(static_cast<int>(row));
    batch->scores[pushed_row] = response.scores(static_cast<int>(row));
  }
}

void PushWindow::Acknowledge(const v1::LearnResponse& response) {
  if (FindSent(response.sequence()) == in_flight_.end()) return;
  for (auto it = in_flight_.begin();;) {
    PendingBatch& batch = **it;
    const bool is_last = batch.sequence == response.sequence();
    if (batch.sequence > response.sequence()) {
      ++it;  // It has an answer of its own.
      continue;
    }
    acknowledged_ += batch.remaining_count() - batch.refused_count;
    rejected_ += batch.refused_count;
    if (is_last) {
      skipped_ += response.skipped_count();
      if (response.duplicate()) duplicates_ += batch.remaining_count();
      if (keep_predictions_) KeepPredictions(response, &batch);
    }
    Finish(&batch);
    it = TakeSent(it);
    if (is_last) return;
  }
}

void PushWindow::Refuse(const v1::FeedbackResponse& response, std::vector<RejectedRow>* rejected) {
  const auto found = FindSent(response.sequence());
  if (found == in_flight_.end()) return;
  PendingBatch& batch = **found;
  batch.refused_count = std::min<size_t>(response.refused_count(), batch.row_count);
  for (const v1::RowError& item : response.refused_items()) {
    if (item.row() >= batch.row_count) continue;
    rejected->push_back({batch.first_index + item.row(), item.field(), item.reason()});
  }
}

absl::Status PushWindow::Reject(const v1::LearnResponse& response, bool skip_bad_rows,
                                std::vector<RejectedRow>* rejected) {
  const auto found = FindSent(response.sequence());
  if (found == in_flight_.end()) return absl::OkStatus();
  const std::shared_ptr<PendingBatch> batch = *found;
  TakeSent(found);

  const v1::BatchError& error = response.error();
  std::vector<uint32_t> bad_rows;
  for (const v1::RowError& row : error.rows()) {
    if (row.row() >= batch->remaining_count()) continue;
    bad_rows.push_back(row.row());
    rejected->push_back(
        {batch->first_index + PushedRow(*batch, row.row()), row.field(), row.reason()});
  }
  if (!skip_bad_rows || bad_rows.empty()) {
    absl::Status status = RejectionError(error, *batch);
    Finish(batch.get());
    return status;
  }
  std::sort(bad_rows.begin(), bad_rows.end());
  bad_rows.erase(std::unique(bad_rows.begin(), bad_rows.end()), bad_rows.end());
  rejected_ += bad_rows.size();
  if (bad_rows.size() == batch->remaining_count()) {
    Finish(batch.get());
    return absl::OkStatus();
  }
  DropFromBatch(bad_rows, batch.get());
  batch->send_count = 0;
  unsent_.push_front(batch);
  return absl::OkStatus();
}

void PushWindow::DropUnsent() {
  for (const std::shared_ptr<PendingBatch>& batch : unsent_) Finish(batch.get());
  unsent_.clear();
}

std::vector<std::shared_ptr<PendingBatch>> PushWindow::TakeDone() {
  std::vector<std::shared_ptr<PendingBatch>> done;
  while (!pushed_.empty() && pushed_.front()->done) {
    done.push_back(std::move(pushed_.front()));
    pushed_.pop_front();
  }
  return done;
}

}  // namespace freshet
