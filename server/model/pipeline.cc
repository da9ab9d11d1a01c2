#include "server/model/pipeline.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

#include "absl/time/time.h"

namespace freshet {

Pipeline::Pipeline(std::unique_ptr<ModelState> state, std::shared_ptr<LogWriter> log,
                   WorkerPool& pool, Options options, AppliedCallback applied)
    : Strand(pool),
      options_(std::move(options)),
      log_(std::move(log)),
      applied_callback_(std::move(applied)),
      state_(std::move(state)),
      answered_offset_(state_->offset()),
      applied_offset_(state_->offset()),
      logged_offset_(state_->offset()),
      sequencer_(*state_, {.is_logged = log_ != nullptr,
                           .max_producers = options_.max_producers,
                           .clock = options_.clock}) {
  applied_callback_(*state_, nullptr);
}

std::shared_ptr<Pipeline> Pipeline::Start(std::unique_ptr<ModelState> state,
                                          std::shared_ptr<LogWriter> log, WorkerPool& pool,
                                          Options options, AppliedCallback applied) {
  std::shared_ptr<Pipeline> pipeline(
      new Pipeline(std::move(state), std::move(log), pool, std::move(options), std::move(applied)));
  if (pipeline->log_ != nullptr) {
    const std::weak_ptr<Pipeline> weak = pipeline;
    pipeline->log_->SetCallbacks(
        [weak](uint64_t offset) {
          if (const auto self = weak.lock()) self->OnLogged(offset);
        },
        [weak](absl::Status fault) {
          if (const auto self = weak.lock()) self->OnLogFault(std::move(fault));
        });
  }
  return pipeline;
}

template <typename Judge, typename Accept>
bool Pipeline::SubmitJudged(size_t score_count, LearnCallback done, const Judge& judge,
                            const Accept& accept) {
  LearnOutcome immediate;
  {
    absl::MutexLock lock(&mu_);
    Sequencer::Verdict verdict = judge(sequencer_);
    const bool duplicate = verdict.kind == ProducerVerdict::kDuplicate;
    if (duplicate && verdict.offset <= finished_offset()) {
      immediate.duplicate = true;
      immediate.offset = verdict.offset;
    } else if (absl::Status refusal = Refusal(); !refusal.ok()) {
      immediate.status = std::move(refusal);
    } else if (duplicate) {
      waiting_duplicates_.emplace(verdict.offset, std::move(done));
      return !full();
    } else if (verdict.kind == ProducerVerdict::kNew) {
      auto item = std::make_unique<Item>();
      item->record = accept(sequencer_);
      item->memory_bytes =
          item->record.memory_bytes() + score_count * sizeof(item->outcome.scores[0]);
      item->done = std::move(done);
      Enqueue(std::move(item));
      return !full();
    } else {
      immediate.status = std::move(verdict.refusal);
      immediate.rejected = true;
    }
  }
  done(std::move(immediate));
  return true;
}

bool Pipeline::Submit(std::unique_ptr<BatchRecord> batch, LearnCallback done,
                      std::string_view sender) {
  return SubmitJudged(
      batch->examples().size(), std::move(done),
      [&](const Sequencer& sequencer) { return sequencer.Judge(batch->request(), sender); },
      [&](Sequencer& sequencer) { return sequencer.Accept(std::move(batch), sender); });
}

bool Pipeline::SubmitEvents(std::unique_ptr<BatchRecord> rows, v1::EventsNote note,
                            LearnCallback done, std::string_view sender) {
  return SubmitJudged(
      0, std::move(done),
      [&](const Sequencer& sequencer) { return sequencer.Judge(rows->request(), sender); },
      [&](Sequencer& sequencer) {
        return sequencer.Accept(std::move(rows), std::move(note), sender);
      });
}

bool Pipeline::SubmitFeedback(FeedbackRecord feedback, LearnCallback done,
                              std::string_view sender) {
  return SubmitJudged(
      0, std::move(done),
      [&](const Sequencer& sequencer) { return sequencer.Judge(*feedback.request, sender); },
      [&](Sequencer& sequencer) { return sequencer.Accept(std::move(feedback), sender); });
}

void Pipeline::SubmitLabels(LabelsRecord labels, LearnCallback done) {
  SubmitJudged(
      0, std::move(done), [&](const Sequencer& sequencer) { return sequencer.Judge(labels); },
      [&](Sequencer& sequencer) { return sequencer.Accept(std::move(labels)); });
}

void Pipeline::FindProducer(std::string_view producer_id, std::string_view sender,
                            ProducerCallback done) {
  absl::StatusOr<ProducerTable::Entry> found;
  {
    absl::MutexLock lock(&mu_);
    found = sequencer_.FindProducer(producer_id, sender);
    if (found.ok() && found->offset > finished_offset()) {
      absl::Status refusal = Refusal();
      if (refusal.ok()) {
        // It waits as a duplicate of the producer's last batch does.
        const uint64_t offset = found->offset;
        waiting_duplicates_.emplace(
            offset, [found = *std::move(found), done = std::move(done)](LearnOutcome outcome) {
              done(outcome.status.ok() ? absl::StatusOr<ProducerTable::Entry>(found)
                                       : std::move(outcome.status));
            });
        return;
      }
      found = std::move(refusal);
    }
  }
  done(std::move(found));
}

void Pipeline::SubmitRestore(RestoreRecord restore, std::unique_ptr<ModelState> restored,
                             LearnCallback done) {
  SubmitRare(std::move(restore), std::move(restored), std::move(done));
}

void Pipeline::SubmitSettings(v1::Model settings, LearnCallback done) {
  SubmitRare(SettingsRecord{std::move(settings)}, nullptr, std::move(done));
}

template <typename Body>
void Pipeline::SubmitRare(Body body, std::unique_ptr<ModelState> restored, LearnCallback done) {
  LearnOutcome refused;
  {
    absl::MutexLock lock(&mu_);
    refused.status = Refusal();
    if (refused.status.ok()) {
      auto item = std::make_unique<Item>();
      item->record = sequencer_.Accept(std::move(body));
      item->restored = std::move(restored);
      item->done = std::move(done);
      Enqueue(std::move(item));
      return;
    }
  }
  done(std::move(refused));
}

void Pipeline::CountQueued(const Item& item, bool added) {
  const uint64_t sign = added ? 1 : -1;  // Sums wrap around.
  queued_bytes_ += sign * item.memory_bytes;
  queued_examples_ += sign * item.example_count();
  if (options_.total_queued_bytes != nullptr) {
    options_.total_queued_bytes->fetch_add(sign * item.memory_bytes, std::memory_order_relaxed);
  }
}

void Pipeline::Enqueue(std::unique_ptr<Item> item) {
  item->outcome.offset = sequencer_.next_offset();
  if (log_ == nullptr) {
    logged_offset_ = sequencer_.next_offset();
  } else {
    log_->Append(FormatRecord(item->record));
    if (const auto* settings = std::get_if<SettingsRecord>(&item->record.body)) {
      log_->SetSync(settings->settings.durability() == v1::DURABILITY_FSYNC);
    }
  }
  CountQueued(*item, /*added=*/true);
  items_.push_back(std::move(item));
  Wake();
}

void Pipeline::WhenLogged(uint64_t offset, std::function<void(absl::Status)> done) {
  absl::Status status;
  {
    absl::MutexLock lock(&mu_);
    if (offset > logged_offset_) {
      if (fault_.ok()) {
        waiting_for_log_.emplace(offset, std::move(done));
        return;
      }
      status = fault_;
    }
  }
  done(std::move(status));
}

void Pipeline::OnLogged(uint64_t offset) {
  Callbacks callbacks;
  {
    absl::MutexLock lock(&mu_);
    logged_offset_ = offset;
    CollectFinished(callbacks);
    if (items_.empty() && drained_) Wake();
  }
  for (const auto& callback : callbacks) callback();
}

void Pipeline::OnLogFault(absl::Status fault) {
  Callbacks callbacks;
  {
    absl::MutexLock lock(&mu_);
    fault_ = std::move(fault);
    CollectFinished(callbacks);
    if (items_.empty() && drained_) Wake();
  }
  for (const auto& callback : callbacks) callback();
}

void Pipeline::NotifyWhenRoom(std::function<void()> has_room) {
  {
    absl::MutexLock lock(&mu_);
    if (full() && closed_.ok()) {
      room_waiters_.push_back(std::move(has_room));
      return;
    }
  }
  has_room();
}

void Pipeline::Close(absl::Status reason, std::function<void()> drained) {
  std::vector<std::function<void()>> waiters;
  {
    absl::MutexLock lock(&mu_);
    closed_ = std::move(reason);
    drained_ = std::move(drained);
    waiters.swap(room_waiters_);
    Hurry();  // The strand finds that there is nothing left, and says so.
  }
  if (log_ != nullptr) log_->StopRetrying();
  for (const auto& waiter : waiters) waiter();
}

void Pipeline::Stop(const absl::Status& reason) {
  Callbacks callbacks;
  {
    absl::MutexLock lock(&mu_);
    if (stopped_) return;
    acknowledged_at_stop_ = std::min(answered_offset_, logged_offset_);
    stopped_ = true;
    if (closed_.ok()) closed_ = reason;
    CollectUnanswered(reason, callbacks);
    if (log_ != nullptr) log_->Stop(applied_offset_ + (applying_ ? 1 : 0));
    Hurry();  // Also for the end of a Close() that waits for what is not done any more.
  }
  for (const auto& callback : callbacks) callback();
}

void Pipeline::CollectUnanswered(const absl::Status& reason, Callbacks& callbacks) {
  const auto add = [&](LearnCallback done, uint64_t offset, bool duplicate) {
    LearnOutcome outcome;
    outcome.status = reason;
    outcome.offset = offset;
    outcome.duplicate = duplicate;
    callbacks.push_back([done = std::move(done), outcome] { done(outcome); });
  };
  for (const auto& item : items_) {
    add(std::exchange(item->done, nullptr), item->outcome.offset, /*duplicate=*/false);
  }
  for (auto& [offset, done] : waiting_duplicates_) {
    add(std::move(done), offset, /*duplicate=*/true);
  }
  waiting_duplicates_.clear();
  std::move(room_waiters_.begin(), room_waiters_.end(), std::back_inserter(callbacks));
  room_waiters_.clear();
}

bool Pipeline::stopped() const {
  absl::MutexLock lock(&mu_);
  return stopped_;
}

uint64_t Pipeline::acknowledged_offset() const {
  absl::MutexLock lock(&mu_);
  return stopped_ ? acknowledged_at_stop_ : std::min(answered_offset_, logged_offset_);
}

absl::Status Pipeline::closed() const {
  absl::MutexLock lock(&mu_);
  return closed_;
}

uint64_t Pipeline::queued_example_count() const {
  absl::MutexLock lock(&mu_);
  return queued_examples_;
}

uint64_t Pipeline::accepted_offset() const {
  absl::MutexLock lock(&mu_);
  return sequencer_.next_offset();
}

Pipeline::ProducerCounts Pipeline::producer_counts() const {
  absl::MutexLock lock(&mu_);
  return {.known = sequencer_.producer_count(), .forgotten = sequencer_.forgotten_producer_count()};
}

absl::Status Pipeline::log_fault() const {
  absl::MutexLock lock(&mu_);
  return fault_;
}

bool Pipeline::Step() {
  Item* item = nullptr;
  std::function<void()> drained;
  {
    absl::MutexLock lock(&mu_);
    if (applied_offset_ == sequencer_.next_offset() || stopped_) {
      if (items_.empty() || stopped_) drained = std::exchange(drained_, nullptr);
    } else {
      item = items_[applied_offset_ - answered_offset_].get();
      applying_ = true;
    }
  }
  if (item == nullptr) {
    if (drained) drained();
    return false;
  }

  Apply(*item);
  Callbacks callbacks;
  {
    absl::MutexLock lock(&mu_);
    applying_ = false;
    ++applied_offset_;
    if (log_ != nullptr) log_->OnApplied(applied_offset_);
    CollectFinished(callbacks);
  }
  for (const auto& callback : callbacks) callback();
  return true;
}

void Pipeline::Apply(Item& item) {
  const uint64_t skipped_before = state_->champion().skipped_count();
  state_->Apply(item.record, std::move(item.restored));
  const BatchRecord* const batch = item.record.batch();
  if (batch != nullptr) item.outcome.skipped = state_->champion().skipped_count() - skipped_before;
  if (batch != nullptr && batch->request().return_predictions()) {
    const std::span<const float> scores = state_->champion().scores();
    item.outcome.scores.assign(scores.begin(), scores.end());
  }
  applied_callback_(*state_, &item.record);
}

void Pipeline::CollectFinished(Callbacks& callbacks) {
  // With a fault, what is not logged is answered with it; the log goes on with it by itself.
  const uint64_t answerable = fault_.ok() ? finished_offset() : applied_offset_;
  while (answered_offset_ < answerable) {
    std::shared_ptr<Item> item = std::move(items_.front());
    items_.pop_front();
    ++answered_offset_;
    CountQueued(*item, /*added=*/false);
    if (answered_offset_ > logged_offset_) item->outcome.status = fault_;
    if (item->done == nullptr) continue;
    callbacks.push_back([item] { item->done(std::move(item->outcome)); });
  }
  const auto duplicates_end =
      fault_.ok() ? waiting_duplicates_.upper_bound(finished_offset()) : waiting_duplicates_.end();
  for (auto it = waiting_duplicates_.begin(); it != duplicates_end; ++it) {
    LearnOutcome outcome;
    outcome.duplicate = true;
    outcome.offset = it->first;
    if (it->first > finished_offset()) outcome.status = fault_;
    callbacks.push_back([done = std::move(it->second), outcome] { done(outcome); });
  }
  waiting_duplicates_.erase(waiting_duplicates_.begin(), duplicates_end);
  const auto logged_end =
      fault_.ok() ? waiting_for_log_.upper_bound(logged_offset_) : waiting_for_log_.end();
  for (auto it = waiting_for_log_.begin(); it != logged_end; ++it) {
    absl::Status status = it->first > logged_offset_ ? fault_ : absl::OkStatus();
    callbacks.push_back([done = std::move(it->second), status] { done(status); });
  }
  waiting_for_log_.erase(waiting_for_log_.begin(), logged_end);
  if (!full()) {
    std::move(room_waiters_.begin(), room_waiters_.end(), std::back_inserter(callbacks));
    room_waiters_.clear();
  }
}

}  // namespace freshet
