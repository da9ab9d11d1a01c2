#include "server/join/label_join.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "core/base/json_object.h"
#include "core/base/str_cat.h"
#include "server/join/join_apply.h"
#include "server/join/join_changes.h"
#include "server/join/join_decision.h"
#include "server/join/label_aggregate.h"

namespace freshet {
namespace {

// The state of a new table.
JoinState NewState(const LabelJoin::Options& options) {
  JoinState state;
  state.offset = options.begin_offset;
  state.indexed_below = options.begin_offset;
  state.due = {.offset = options.begin_offset, .row = 0};
  state.settled_below = options.begin_offset;
  state.rule = options.rule;
  state.labels_number = options.labels_number.value_or(0);
  state.takes_any_number = options.begin_offset > 0 && !options.labels_number.has_value();
  return state;
}

}  // namespace

LabelJoin::LabelJoin(std::unique_ptr<JoinStore> store, JoinState state, size_t recent_events_bytes)
    : store_(std::move(store)),
      recent_events_bytes_(recent_events_bytes),
      state_(std::move(state)),
      published_(state_) {
  store_->DropEvents(state_.removed_record_ms, state_.removed_stream_ms);
}

absl::StatusOr<std::unique_ptr<LabelJoin>> LabelJoin::Open(Options options) {
  absl::StatusOr<std::unique_ptr<LabelJoin>> join = OpenTable(options);
  if (!absl::IsDataLoss(join.status())) return join;
  spdlog::warn("event=join_rebuilt dir={} offset={} reason={}", JsonString(options.dir),
               options.begin_offset, JsonString(std::string(join.status().message())));
  if (absl::Status status = JoinStore::Remove(options.dir); !status.ok()) return status;
  return OpenTable(options);
}

absl::StatusOr<std::unique_ptr<LabelJoin>> LabelJoin::OpenTable(const Options& options) {
  auto store = JoinStore::Open({.dir = options.dir,
                                .cache_bytes = options.cache_bytes,
                                .write_buffer_bytes = options.write_buffer_bytes});
  if (!store.ok()) return store.status();
  absl::StatusOr<std::optional<JoinState>> read = std::nullopt;
  {
    const absl::StatusOr<JoinView> view = (*store)->Now();
    if (!view.ok()) return view.status();
    read = ReadState(*view);
  }
  if (!read.ok()) return read.status();
  JoinState state;
  if (read->has_value()) {
    state = **std::move(read);
    if (state.offset < options.log_first || state.offset > options.log_end) {
      return absl::DataLossError(StrCat("it stands at offset ", state.offset,
                                        ", and the log holds the records from ", options.log_first,
                                        " to ", options.log_end));
    }
  } else {
    state = NewState(options);
    JoinWrite write;
    write.Put(JoinTable::kMeta, kStateKey, state.Format());
    if (absl::Status status = (*store)->Write(write); !status.ok()) return status;
  }
  std::unique_ptr<LabelJoin> join(
      new LabelJoin(*std::move(store), std::move(state), options.recent_events_bytes));
  const absl::StatusOr<JoinView> view = join->store_->Now();
  absl::Status status = view.ok() ? join->ReadRecent(*view, join->state_) : view.status();
  if (!status.ok()) return status;
  return join;
}

absl::Status LabelJoin::ReadRecent(const JoinView& view, const JoinState& state) {
  recent_.Clear();
  return ReadRecentEvents(view, state.indexed_below, recent_);
}

// A loss of power must not leave an event in the table whose record the table has not: that record
// would be applied again, and find itself. So what the tables hold so far is synced first.
absl::Status LabelJoin::StoreRecent() {
  if (absl::Status status = store_->Sync(); !status.ok()) return status;
  if (absl::Status status = store_->AddEvents(recent_.Sorted()); !status.ok()) return status;
  state_.indexed_below = state_.offset;
  recent_.Clear();
  return absl::OkStatus();
}

void LabelJoin::TellLabelsNumber(uint64_t number) {
  if (!std::exchange(state_.takes_any_number, false)) return;
  state_.labels_number = number;
}

absl::Status LabelJoin::Apply(const Record& record) {
  if (must_recover_ || store_->needs_reopen()) {
    const absl::StatusOr<bool> applied = Recover();
    if (!applied.ok()) return applied.status();
    if (*applied) return absl::OkStatus();
  }
  if (recent_.bytes() > recent_events_bytes_) {
    if (absl::Status status = StoreRecent(); !status.ok()) return status;
  }
  absl::StatusOr<JoinView> view = store_->Now();
  if (!view.ok()) return view.status();
  JoinChanges changes(*std::move(view), recent_, state_);
  if (absl::Status status = ApplyToJoin(record, changes); !status.ok()) return status;
  if (absl::Status status = store_->Write(changes.Finish()); !status.ok()) return status;
  recent_.Add(changes.new_events);
  state_ = std::move(changes.state);
  Publish();
  return absl::OkStatus();
}

absl::StatusOr<bool> LabelJoin::Recover() {
  must_recover_ = true;
  if (absl::Status status = store_->Reopen(); !status.ok()) return status;
  const absl::StatusOr<JoinView> view = store_->Now();
  if (!view.ok()) return view.status();
  absl::StatusOr<std::optional<JoinState>> read = ReadState(*view);
  if (!read.ok()) return read.status();
  if (!read->has_value()) return BrokenEntry("default");
  JoinState state = **std::move(read);
  if (absl::Status status = ReadRecent(*view, state); !status.ok()) return status;
  const uint64_t before = std::exchange(state_, std::move(state)).offset;
  must_recover_ = false;
  store_->DropEvents(state_.removed_record_ms, state_.removed_stream_ms);
  Publish();
  if (state_.offset >= before) return state_.offset > before;
  return absl::UnavailableError(StrCat("the disk lost the last records of the table of events in ",
                                       store_->dir(), "; it goes on from offset ", state_.offset));
}

void LabelJoin::Publish() {
  const absl::MutexLock lock(&mu_);
  published_ = state_;
}

absl::StatusOr<std::optional<v1::LabelsNote>> LabelJoin::Decide(int64_t now_ms,
                                                                size_t max_rows) const {
  const absl::StatusOr<JoinView> view = store_->Now();
  if (!view.ok()) return view.status();
  return DecideLabels(*view, state_, now_ms, max_rows);
}

std::optional<int64_t> LabelJoin::NextDueTime() const {
  if (state_.queue_count > 0) return 0;
  if (!state_.due_time.has_value()) return std::nullopt;
  const int64_t wait_ms = WaitMs(state_.rule);
  const EventTime& time = *state_.due_time;
  if (time.own_ms.has_value() && state_.stream_ms() >= AddMs(*time.own_ms, wait_ms)) return 0;
  return AddMs(time.record_ms, wait_ms);
}

uint64_t LabelJoin::pending_bytes() const {
  const absl::MutexLock lock(&mu_);
  return published_.figures.pending_bytes;
}

void LabelJoin::FillFigures(v1::LabelFigures& figures) const {
  const absl::MutexLock lock(&mu_);
  published_.figures.Fill(figures);
  figures.set_oldest_pending_time_ms(
      published_.due_time.has_value() ? std::max<int64_t>(published_.due_time->ms(), 0) : 0);
  figures.set_join_offset(published_.offset);
}

absl::StatusOr<v1::Event> LabelJoin::Find(std::string_view event_id) const {
  // In this order: what leaves the recent events meanwhile is in the tables then.
  const std::optional<EventEntry> recent = recent_.Find(event_id);
  const absl::StatusOr<JoinView> view = store_->NewView();
  if (!view.ok()) return view.status();
  return FindEvent(*view, event_id, recent);
}

absl::StatusOr<LabelJoin::Page> LabelJoin::List(v1::EventState state, int page_size,
                                                std::string_view page_token) const {
  const absl::StatusOr<JoinView> view = store_->NewView();
  if (!view.ok()) return view.status();
  return ListEvents(*view, state, page_size, page_token);
}

absl::Status LabelJoin::Sync() {
  int64_t record_ms = 0;
  int64_t stream_ms = 0;
  {
    const absl::MutexLock lock(&mu_);
    record_ms = published_.removed_record_ms;
    stream_ms = published_.removed_stream_ms;
  }
  if (absl::Status status = store_->Sync(); !status.ok()) return status;
  store_->DropEvents(record_ms, stream_ms);
  return absl::OkStatus();
}

}  // namespace freshet
