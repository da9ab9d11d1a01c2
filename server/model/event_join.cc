#include "server/model/event_join.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/json_object.h"

namespace freshet {
namespace {

// Of one decision: enough to make the way through the log cheap, and few enough that their rows fit
// into memory beside each other.
constexpr uint64_t kMaxRows = 16'384;
constexpr uint64_t kMaxBytes = uint64_t{8} << 20;

// Clocks are set, so look again before long, however late the next event is due.
constexpr absl::Duration kLongestWait = absl::Seconds(1);

}  // namespace

EventJoin::EventJoin(std::unique_ptr<LabelJoin> join, uint64_t champion_offset, WorkerPool& io,
                     Options options)
    : LogFollower(join->offset(), champion_offset, io, io, options.follower),
      options_(std::move(options)),
      start_offset_(champion_offset),
      io_(io),
      synced_offset_(join->offset()),
      join_(std::move(join)),
      logged_offset_(champion_offset),
      loader_(options_.follower.open_log, options_.follower.loss),
      awaited_number_(options_.labels_number) {}

std::shared_ptr<EventJoin> EventJoin::Start(std::unique_ptr<LabelJoin> join,
                                            uint64_t champion_offset, WorkerPool& io,
                                            Options options) {
  std::shared_ptr<EventJoin> started(
      new EventJoin(std::move(join), champion_offset, io, std::move(options)));
  if (started->join_->offset() >= champion_offset) {
    started->join_->TellLabelsNumber(started->options_.labels_number);
  }
  started->Wake();
  return started;
}

void EventJoin::FillFigures(v1::LabelFigures& figures) const {
  join_->FillFigures(figures);
  if (const absl::Status reason = fault(); !reason.ok()) {
    figures.set_join_fault(std::string(reason.message()));
  }
}

bool EventJoin::MayApply(uint64_t offset) {
  if (offset < logged_offset_) return true;
  if (awaits_log_.exchange(true)) return false;
  options_.follower.when_logged(
      offset + 1, [weak = weak_from_this(), offset](const absl::Status& logged) {
        const auto self = std::static_pointer_cast<EventJoin>(weak.lock());
        if (self == nullptr) return;
        if (logged.ok()) self->logged_offset_ = offset + 1;
        self->awaits_log_ = false;
        if (logged.ok()) {
          self->Wake();
        } else {
          self->WakeAfter(self->options_.follower.retry_interval);
        }
      });
  return offset < logged_offset_;
}

absl::Status EventJoin::ApplyEntry(Entry& entry) {
  absl::Status status = join_->Apply(entry.record);
  if (status.ok()) last_record_ms_ = entry.record.time_ms;
  if (join_->offset() == start_offset_) join_->TellLabelsNumber(options_.labels_number);
  return status;
}

absl::Status EventJoin::Sync() {
  const uint64_t applied = position().applied_offset;
  absl::Status status = join_->Sync();
  if (status.ok()) synced_offset_ = applied;
  return status;
}

int64_t EventJoin::Now() const {
  const int64_t now_ms = absl::ToUnixMillis(options_.clock());
  return join_->offset() >= options_.accepted_offset() ? now_ms : last_record_ms_;
}

uint64_t EventJoin::MaxRows() const {
  v1::LabelFigures figures;
  join_->FillFigures(figures);
  if (figures.pending_bytes() == 0) return kMaxRows;
  return std::clamp<uint64_t>(kMaxBytes * figures.pending_count() / figures.pending_bytes(), 1,
                              kMaxRows);
}

bool EventJoin::DoOtherWork() {
  {
    const absl::MutexLock lock(&decision_mu_);
    if (deciding_ || join_->labels_number() < awaited_number_) return false;
  }
  const std::optional<int64_t> due_ms = join_->NextDueTime();
  if (!due_ms.has_value() || position().is_stopped) return false;
  const int64_t now_ms = Now();
  if (*due_ms > now_ms) {
    WakeAt(*due_ms, now_ms);
    return false;
  }
  absl::StatusOr<std::optional<v1::LabelsNote>> note = join_->Decide(now_ms, MaxRows());
  if (!note.ok()) {
    spdlog::warn("event=labels_not_decided name={} error={}; tried again", options_.follower.name,
                 JsonString(note.status().ToString()));
    WakeAfter(kLongestWait);
    return false;
  }
  if (!note->has_value()) {
    WakeAfter(kLongestWait);
    return false;
  }
  {
    const absl::MutexLock lock(&decision_mu_);
    deciding_ = true;
  }
  auto decided = std::make_shared<const v1::LabelsNote>(**std::move(note));
  io_.Post([self = std::static_pointer_cast<EventJoin>(shared_from_this()), decided] {
    self->Submit(decided);
  });
  return true;
}

void EventJoin::Submit(std::shared_ptr<const v1::LabelsNote> note) {
  LabelsRecord labels{.note = note, .rows = nullptr};
  if (absl::Status status = loader_.LoadRows(labels); !status.ok()) {
    LearnOutcome failed;
    failed.status = std::move(status);
    EndDecision(*note, failed);
    return;
  }
  loader_.Rest();
  options_.submit(std::move(labels),
                  [self = std::static_pointer_cast<EventJoin>(shared_from_this()),
                   note](const LearnOutcome& outcome) { self->EndDecision(*note, outcome); });
}

void EventJoin::EndDecision(const v1::LabelsNote& note, const LearnOutcome& outcome) {
  const bool is_done = outcome.status.ok();
  {
    const absl::MutexLock lock(&decision_mu_);
    deciding_ = false;
    // A record that could not be logged now may still be logged later on.
    if (is_done || outcome.offset > 0) awaited_number_ = std::max(awaited_number_, note.number());
  }
  if (is_done) {
    Wake();
    return;
  }
  if (position().is_stopped) return;
  if (!absl::IsUnavailable(outcome.status)) {
    spdlog::warn("event=labels_not_submitted name={} number={} error={}; tried again",
                 options_.follower.name, note.number(), JsonString(outcome.status.ToString()));
  }
  WakeAfter(options_.follower.retry_interval);
}

void EventJoin::WakeAt(int64_t time_ms, int64_t now_ms) {
  WakeAfter(std::min(absl::Milliseconds(time_ms - now_ms), kLongestWait));
}

void EventJoin::WakeAfter(absl::Duration pause) {
  {
    const absl::MutexLock lock(&decision_mu_);
    if (std::exchange(wake_is_due_, true)) return;
  }
  io_.PostAfter(pause, [weak = weak_from_this()] {
    const auto self = std::static_pointer_cast<EventJoin>(weak.lock());
    if (self == nullptr || self->position().is_stopped) return;
    {
      const absl::MutexLock lock(&self->decision_mu_);
      self->wake_is_due_ = false;
    }
    self->Wake();
  });
}

}  // namespace freshet
