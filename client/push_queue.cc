#include "client/push_queue.h"

#include <algorithm>
#include <utility>

#include "client/packed_encoder.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

// About what an event's id and time take on the wire.
size_t EventBytes(std::string_view id) { return id.size() + 8; }

absl::Status CheckEvents(const EventColumns& events, size_t rows) {
  if (!events.ids.empty() && events.ids.size() != rows) {
    return absl::InvalidArgumentError(StrCat("the batch has ", rows, " rows and ",
                                             events.ids.size(),
                                             " event ids; give one for each row"));
  }
  if (!events.times_ms.empty() && events.times_ms.size() != events.ids.size()) {
    return absl::InvalidArgumentError(StrCat("the batch has ", events.ids.size(), " event ids and ",
                                             events.times_ms.size(),
                                             " times; give one for each id, or none"));
  }
  return absl::OkStatus();
}

}  // namespace

PushQueue::PushQueue(const PusherOptions& options)
    : options_(options),
      window_(options.on_predictions != nullptr),
      open_(std::make_shared<PendingBatch>()) {
  open_->builder = std::make_unique<ExampleBatchBuilder>();
}

absl::Status PushQueue::Push(const Example& example) {
  const SteadyLock lock(&mu_);
  if (absl::Status status = WaitForRoom(); !status.ok()) return status;
  if (open_->request.event_ids_size() > 0) SealOpenBatch();
  open_->builder->KeepNames(&names_);
  example.AppendTo(open_->builder.get());
  Gathered(IsFull(*open_->builder, options_.batch_examples));
  return absl::OkStatus();
}

absl::Status PushQueue::PushEvent(const Example& example, std::string_view event_id,
                                  std::optional<int64_t> time_ms) {
  const SteadyLock lock(&mu_);
  if (absl::Status status = WaitForRoom(); !status.ok()) return status;
  v1::LearnRequest& open = open_->request;
  // A batch has labels or ids, and times for all of its events or for none.
  if ((open.event_ids_size() == 0) || (open.event_times_ms_size() > 0) != time_ms.has_value()) {
    SealOpenBatch();
  }
  open_->builder->KeepNames(&names_);
  example.AppendTo(open_->builder.get());
  open_->request.add_event_ids(event_id.data(), event_id.size());
  if (time_ms.has_value()) open_->request.add_event_times_ms(*time_ms);
  open_->bytes += EventBytes(event_id);
  Gathered(IsFull(*open_->builder, options_.batch_examples) || open_->bytes >= kFullBatchBytes);
  return absl::OkStatus();
}

absl::Status PushQueue::PushFeedback(const v1::FeedbackItem& item) {
  const SteadyLock lock(&mu_);
  if (absl::Status status = WaitForRoom(); !status.ok()) return status;
  *open_->feedback.add_items() = item;
  open_->bytes += item.ByteSizeLong();
  Gathered(OpenCount() >= options_.batch_examples || open_->bytes >= kFullBatchBytes);
  return absl::OkStatus();
}

absl::Status PushQueue::PushFeedback(std::span<const v1::FeedbackItem> items, RowNumbers numbers) {
  if (items.empty()) return status();
  std::shared_ptr<PendingBatch> pending;
  {
    const SteadyLock lock(&mu_);
    pending = window_.NewBatch();
  }
  pending->feedback.mutable_items()->Assign(items.begin(), items.end());
  pending->row_count = items.size();
  pending->bytes = pending->feedback.ByteSizeLong();
  pending->numbers = numbers;
  return AddFilled(std::move(pending));
}

// Counts the row that was added to open_.
void PushQueue::Gathered(bool is_full) {
  ++pushed_;
  if (OpenCount() == 1) {
    open_until_ = Clock::now() + std::chrono::milliseconds(options_.linger_ms);
    work_.NotifyOne();
  }
  if (is_full) SealOpenBatch();
}

absl::Status PushQueue::PushBatch(const ExampleBatchBuilder& batch, RowNumbers numbers,
                                  EventColumns events) {
  if (batch.row_count() == 0) return status();
  if (absl::Status status = CheckEvents(events, batch.row_count()); !status.ok()) return status;
  std::shared_ptr<PendingBatch> pending;
  {
    const SteadyLock lock(&mu_);
    pending = window_.NewBatch();
  }
  EncodePackedBatch(batch, PackedLabels::kKeep, pending->request.mutable_packed());
  EncodeNames(batch.namespaces(), batch.names(), pending.get());
  pending->row_count = batch.row_count();
  pending->bytes = ColumnBytes(batch);
  for (const std::string& id : events.ids) pending->bytes += EventBytes(id);
  pending->request.mutable_event_ids()->Assign(events.ids.begin(), events.ids.end());
  pending->request.mutable_event_times_ms()->Assign(events.times_ms.begin(), events.times_ms.end());
  pending->numbers = numbers;
  return AddFilled(std::move(pending));
}

// Adds a batch after what was gathered before.
absl::Status PushQueue::AddFilled(std::shared_ptr<PendingBatch> pending) {
  const SteadyLock lock(&mu_);
  if (absl::Status status = WaitForRoom(); !status.ok()) return status;
  SealOpenBatch();
  pending->first_index = pushed_;
  pushed_ += pending->row_count;
  window_.Add(std::move(pending));
  work_.NotifyOne();
  return absl::OkStatus();
}

absl::Status PushQueue::Flush() { return FlushUntil(Clock::time_point::max()).status(); }

absl::StatusOr<bool> PushQueue::FlushFor(std::chrono::milliseconds timeout) {
  return FlushUntil(Clock::now() + timeout);
}

absl::StatusOr<bool> PushQueue::FlushUntil(Clock::time_point deadline) {
  const SteadyLock lock(&mu_);
  if (!status_.ok()) return status_;
  SealOpenBatch();
  const uint64_t until = pushed_;
  while (status_.ok() && delivered_ < until && Clock::now() < deadline) {
    space_.WaitUntil(mu_, deadline);
  }
  if (!status_.ok()) return status_;
  return delivered_ >= until;
}

bool PushQueue::WaitForRoom(std::chrono::milliseconds timeout) {
  const Clock::time_point deadline = Clock::now() + timeout;
  const SteadyLock lock(&mu_);
  const auto waits = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return status_.ok() && !closing_ && !HasRoom();
  };
  if (!waits()) return true;
  SealOpenBatch();  // As in WaitForRoom() without a timeout.
  while (waits() && Clock::now() < deadline) space_.WaitUntil(mu_, deadline);
  return !waits();
}

void PushQueue::Close() {
  const SteadyLock lock(&mu_);
  if (status_.ok()) SealOpenBatch();
  closing_ = true;
  WakeAll();
}

void PushQueue::Cancel(absl::Status status) {
  const SteadyLock lock(&mu_);
  cancelled_ = true;
  if (status_.ok()) status_ = std::move(status);
  WakeAll();
}

PusherStats PushQueue::stats() const {
  const SteadyLock lock(&mu_);
  PusherStats stats = stats_;
  stats.pushed = pushed_;
  stats.acknowledged = window_.acknowledged();
  stats.rejected = window_.rejected();
  stats.skipped = window_.skipped();
  stats.duplicates = window_.duplicates();
  stats.unacknowledged = Unacknowledged();
  stats.waiting = waiting_count_ > 0;
  return stats;
}

absl::Status PushQueue::status() const {
  const SteadyLock lock(&mu_);
  return status_;
}

uint64_t PushQueue::Unacknowledged() const {
  return pushed_ - window_.acknowledged() - window_.rejected();
}

bool PushQueue::HasRoom() const {
  return Unacknowledged() < options_.max_unacknowledged_examples &&
         window_.bytes() < options_.max_unacknowledged_bytes;
}

absl::Status PushQueue::WaitForRoom() {
  if (status_.ok() && !closing_ && !HasRoom()) {
    // Send the gathered examples: they count as unacknowledged, so that Push() could otherwise wait
    // for room that only they take.
    SealOpenBatch();
    ++waiting_count_;
    while (status_.ok() && !closing_ && !HasRoom()) space_.Wait(mu_);
    --waiting_count_;
  }
  if (!status_.ok()) return status_;
  if (closing_) return absl::FailedPreconditionError("the Pusher is closed");
  return absl::OkStatus();
}

size_t PushQueue::OpenCount() const {
  return open_->builder->row_count() + static_cast<size_t>(open_->feedback.items_size());
}

std::shared_ptr<PendingBatch> PushQueue::NewOpenBatch() {
  std::shared_ptr<PendingBatch> batch = window_.NewBatch();
  batch->builder = spare_builder_ != nullptr ? std::move(spare_builder_)
                                             : std::make_unique<ExampleBatchBuilder>();
  return batch;
}

void PushQueue::SealOpenBatch() {
  const size_t count = OpenCount();
  if (count == 0) return;
  std::shared_ptr<PendingBatch> batch = std::move(open_);
  open_ = NewOpenBatch();
  batch->row_count = count;
  batch->bytes += ColumnBytes(*batch->builder);
  batch->first_index = pushed_ - count;
  EncodeNames(batch->builder->namespaces(), &names_, batch.get());
  window_.Add(std::move(batch));
  work_.NotifyOne();
}

// Moves new names of features from `names`, if not null, to the batch.
void PushQueue::EncodeNames(std::span<const std::string> namespaces, NewNames* names,
                            PendingBatch* batch) const {
  v1::PackedBatch& packed = *batch->request.mutable_packed();
  if (names == nullptr) {
    packed.clear_names();
    return;
  }
  names->SetLimit(std::min<size_t>(names->limit(), name_limit_));
  freshet::EncodeNames(namespaces, names, &packed);
}

void PushQueue::WakeAll() {
  work_.NotifyAll();
  space_.NotifyAll();
  written_.NotifyAll();
}

bool PushQueue::HasWorkLocked() const {
  // Gathered examples count, although they may still linger: NextBatch() waits for that.
  return !cancelled_ && status_.ok() && (!window_.empty() || OpenCount() > 0);
}

bool PushQueue::HasWork() const {
  const SteadyLock lock(&mu_);
  return HasWorkLocked();
}

bool PushQueue::WaitForWork() {
  const SteadyLock lock(&mu_);
  while (!HasWorkLocked() && !cancelled_ && status_.ok() && !closing_) work_.Wait(mu_);
  return HasWorkLocked();
}

bool PushQueue::BeginStream() {
  const SteadyLock lock(&mu_);
  stream_ended_ = false;
  window_.StartStream();
  return !cancelled_;
}

std::shared_ptr<PendingBatch> PushQueue::NextBatch() {
  const SteadyLock lock(&mu_);
  while (true) {
    if (cancelled_ || stream_ended_ || !status_.ok()) return nullptr;
    if (!window_.HasNextToSend() && OpenCount() > 0 && (closing_ || Clock::now() >= open_until_)) {
      SealOpenBatch();
    }
    if (window_.HasNextToSend()) {
      std::shared_ptr<PendingBatch> batch = window_.NextToSend();
      writing_sequence_ = batch->sequence;
      const bool is_new = !options_.producer_is_known && window_.acknowledged() == 0;
      batch->request.set_new_producer(is_new);
      batch->feedback.set_new_producer(is_new);
      return batch;
    }
    // If a batch in flight is rejected later, its remaining rows are sent on another stream.
    if (closing_) return nullptr;
    if (OpenCount() > 0) {
      work_.WaitUntil(mu_, open_until_);
    } else {
      work_.Wait(mu_);
    }
  }
}

void PushQueue::EndWrite(PendingBatch* batch, bool ok) {
  const SteadyLock lock(&mu_);
  if (batch->builder != nullptr) {
    spare_builder_ = std::move(batch->builder);
    spare_builder_->Clear();
  }
  if (ok) {
    // Writing the message has computed its size; that of the other, which is not used, is 0.
    stats_.sent_bytes += static_cast<size_t>(batch->request.GetCachedSize()) +
                         static_cast<size_t>(batch->feedback.GetCachedSize());
    if (batch->send_count > 0) stats_.resent += batch->remaining_count();
    ++batch->send_count;
  }
  writing_sequence_ = 0;
  written_.NotifyAll();
}

bool PushQueue::AllAnswered() const {
  const SteadyLock lock(&mu_);
  return window_.in_flight_empty();
}

bool PushQueue::Disconnected() {
  const SteadyLock lock(&mu_);
  stats_.connected = false;
  return std::exchange(answered_, false);
}

void PushQueue::Fail(absl::Status status) {
  const SteadyLock lock(&mu_);
  FailLocked(std::move(status));
}

void PushQueue::FailLocked(absl::Status status) {
  if (status_.ok()) status_ = std::move(status);
  window_.DropUnsent();
  WakeAll();
}

bool PushQueue::WaitUntil(Clock::time_point time) {
  const SteadyLock lock(&mu_);
  while (!cancelled_ && status_.ok()) {
    if (Clock::now() >= time) return true;
    work_.WaitUntil(mu_, time);
  }
  return false;
}

std::optional<PushQueue::Settled> PushQueue::Apply(const v1::LearnResponse& response) {
  return ApplyAnswer(response, nullptr);
}

std::optional<PushQueue::Settled> PushQueue::Apply(const v1::FeedbackResponse& response) {
  v1::LearnResponse answer;
  answer.set_sequence(response.sequence());
  answer.set_offset(response.offset());
  answer.set_duplicate(response.duplicate());
  if (response.has_error()) *answer.mutable_error() = response.error();
  return ApplyAnswer(answer, &response);
}

// `feedback`: the response in its own form if it answers feedback; else null.
std::optional<PushQueue::Settled> PushQueue::ApplyAnswer(const v1::LearnResponse& response,
                                                         const v1::FeedbackResponse* feedback) {
  const SteadyLock lock(&mu_);
  // A response may arrive before the write of its batch has returned. Wait, since the sending
  // thread still uses the batch.
  while (!cancelled_ && writing_sequence_ != 0 && writing_sequence_ == response.sequence()) {
    written_.Wait(mu_);
  }
  if (cancelled_) return std::nullopt;
  if (!answered_) ++stats_.reconnects;
  answered_ = true;
  stats_.connected = true;
  stats_.offset = std::max(stats_.offset, response.offset());
  Settled settled;
  if (response.has_error()) {
    // A request of feedback is rejected as a whole for reasons that other items would not mend.
    const bool skip_bad_rows = options_.skip_bad_rows && feedback == nullptr;
    absl::Status status = window_.Reject(response, skip_bad_rows, &settled.rejected);
    if (!status.ok()) FailLocked(std::move(status));
  } else {
    if (feedback != nullptr) window_.Refuse(*feedback, &settled.rejected);
    window_.Acknowledge(response);
  }
  settled.done = window_.TakeDone();
  return settled;
}

void PushQueue::Delivered(Settled settled) {
  const SteadyLock lock(&mu_);
  for (std::shared_ptr<PendingBatch>& batch : settled.done) {
    delivered_ = batch->first_index + batch->row_count;
    window_.Recycle(std::move(batch));
  }
  space_.NotifyAll();
  work_.NotifyOne();
}

void PushQueue::EndStream() {
  const SteadyLock lock(&mu_);
  stream_ended_ = true;
  work_.NotifyAll();
}

}  // namespace freshet
