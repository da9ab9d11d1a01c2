#include "client/push_queue.h"

#include <algorithm>
#include <utility>

#include "client/packed_encoder.h"

namespace freshet {

PushQueue::PushQueue(const PusherOptions& options)
    : options_(options),
      window_(options.on_predictions != nullptr),
      open_(std::make_unique<ExampleBatchBuilder>()) {}

absl::Status PushQueue::Push(const Example& example) {
  const SteadyLock lock(&mu_);
  if (absl::Status status = WaitForRoom(); !status.ok()) return status;
  open_->KeepNames(&names_);
  example.AppendTo(open_.get());
  ++pushed_;
  if (open_->row_count() == 1) {
    open_until_ = Clock::now() + std::chrono::milliseconds(options_.linger_ms);
    work_.NotifyOne();
  }
  if (IsFull(*open_, options_.batch_examples)) SealOpenBatch();
  return absl::OkStatus();
}

absl::Status PushQueue::PushBatch(const ExampleBatchBuilder& batch, RowNumbers numbers) {
  if (batch.row_count() == 0) return status();
  std::shared_ptr<PendingBatch> pending;
  {
    const SteadyLock lock(&mu_);
    pending = window_.NewBatch();
  }
  EncodePackedBatch(batch, PackedLabels::kKeep, pending->request.mutable_packed());
  EncodeNames(batch.namespaces(), batch.names(), pending.get());
  pending->row_count = batch.row_count();
  pending->bytes = ColumnBytes(batch);
  pending->numbers = numbers;
  const SteadyLock lock(&mu_);
  if (absl::Status status = WaitForRoom(); !status.ok()) return status;
  SealOpenBatch();
  pending->first_index = pushed_;
  pushed_ += pending->row_count;
  window_.Add(std::move(pending));
  work_.NotifyOne();
  return absl::OkStatus();
}

absl::Status PushQueue::Flush() {
  const SteadyLock lock(&mu_);
  if (!status_.ok()) return status_;
  SealOpenBatch();
  const uint64_t until = pushed_;
  while (status_.ok() && delivered_ < until) space_.Wait(mu_);
  return status_;
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

void PushQueue::SealOpenBatch() {
  if (open_->row_count() == 0) return;
  std::shared_ptr<PendingBatch> batch = window_.NewBatch();
  batch->row_count = open_->row_count();
  batch->bytes = ColumnBytes(*open_);
  batch->first_index = pushed_ - batch->row_count;
  EncodeNames(open_->namespaces(), &names_, batch.get());
  batch->builder = std::move(open_);
  open_ = spare_builder_ != nullptr ? std::move(spare_builder_)
                                    : std::make_unique<ExampleBatchBuilder>();
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
  return !cancelled_ && status_.ok() && (!window_.empty() || open_->row_count() > 0);
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
    if (!window_.HasNextToSend() && open_->row_count() > 0 &&
        (closing_ || Clock::now() >= open_until_)) {
      SealOpenBatch();
    }
    if (window_.HasNextToSend()) {
      std::shared_ptr<PendingBatch> batch = window_.NextToSend();
      writing_sequence_ = batch->sequence;
      batch->request.set_new_producer(!options_.producer_is_known && window_.acknowledged() == 0);
      return batch;
    }
    // If a batch in flight is rejected later, its remaining rows are sent on another stream.
    if (closing_) return nullptr;
    if (open_->row_count() > 0) {
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
    const v1::LearnRequest& request = batch->request;
    // Writing the message has computed its size.
    stats_.sent_bytes += static_cast<size_t>(request.GetCachedSize());
    if (batch->send_count > 0) {
      stats_.resent += static_cast<uint64_t>(request.packed().labels_size());
    }
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
    absl::Status status = window_.Reject(response, options_.skip_bad_rows, &settled.rejected);
    if (!status.ok()) FailLocked(std::move(status));
  } else {
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
