#include "server/log/log_writer.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <span>
#include <utility>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

// The most that is written between two syncs, unless a single record is larger. This bounds how
// long the first record of a group waits.
constexpr size_t kMaxRecordsPerSync = 4096;
constexpr size_t kMaxBytesPerSync = size_t{8} << 20;

}  // namespace

LogWriter::LogWriter(std::unique_ptr<Log> log, WorkerPool& pool, Options options)
    : log_(std::move(log)),
      pool_(pool),
      options_(options),
      logged_offset_(log_->next_offset()),
      applied_offset_(logged_offset_),
      sync_(options.sync) {}

void LogWriter::SetCallbacks(LoggedCallback logged, FaultCallback fault) {
  logged_callback_ = std::move(logged);
  fault_callback_ = std::move(fault);
}

uint64_t LogWriter::logged_offset() const {
  absl::MutexLock lock(&mu_);
  return logged_offset_;
}

void LogWriter::Append(EncodedRecord record) {
  appended_bytes_ += record.size();
  absl::MutexLock lock(&mu_);
  const bool sync = sync_ || !IsFrequent(record.kind);
  entries_.push_back(std::make_unique<Entry>(Entry{std::move(record), sync}));
  ScheduleStrand();
}

void LogWriter::OnApplied(uint64_t offset) {
  absl::MutexLock lock(&mu_);
  applied_offset_ = offset;
  ScheduleStrand();
}

void LogWriter::ScheduleStrand() {
  if (strand_running_ || held_ || !has_work()) return;
  strand_running_ = true;
  strand_pool().Post([self = shared_from_this()] { self->RunStrand(); });
}

absl::StatusOr<std::unique_ptr<LogReader>> LogWriter::ReadTail(uint64_t bytes) const {
  const uint64_t first = log_->first_offset();
  const uint64_t next = log_->next_offset();
  const double share =
      std::min(1.0, static_cast<double>(bytes) / static_cast<double>(log_->size_bytes()));
  return log_->NewReader(next - static_cast<uint64_t>(share * static_cast<double>(next - first)));
}

void LogWriter::SetSync(bool sync) {
  absl::MutexLock lock(&mu_);
  sync_ = sync;
}

void LogWriter::StopRetrying() {
  absl::MutexLock lock(&mu_);
  stop_retrying_ = true;
}

std::function<void()> LogWriter::EndStrand() {
  strand_running_ = false;
  return std::exchange(when_held_, nullptr);
}

void LogWriter::Hold(std::function<void()> held) {
  {
    absl::MutexLock lock(&mu_);
    held_ = true;
    if (strand_running_) {
      when_held_ = std::move(held);
      return;
    }
  }
  held();
}

void LogWriter::GoOn() {
  bool mended = false;
  {
    absl::MutexLock lock(&mu_);
    held_ = false;
    // If there are entries, the strand reports this once it has written them.
    mended = faulty_ && entries_.empty();
    if (mended) faulty_ = false;
    ScheduleStrand();
  }
  if (mended) fault_callback_(absl::OkStatus());
}

void LogWriter::Fail(absl::Status fault) {
  faulty_ = true;
  fault_callback_(std::move(fault));
}

void LogWriter::Abandon(absl::Status fault) {
  std::deque<std::unique_ptr<Entry>> dropped;
  {
    absl::MutexLock lock(&mu_);
    dropped.swap(entries_);
  }
  fault_callback_(std::move(fault));
}

void LogWriter::Stop(uint64_t end) {
  absl::MutexLock lock(&mu_);
  stop_retrying_ = true;
  const uint64_t wanted = end > logged_offset_ ? end - logged_offset_ : 0;
  const size_t kept = std::max<size_t>(wanted, writing_count_);
  if (kept < entries_.size()) entries_.resize(kept);
}

std::vector<const LogWriter::Entry*> LogWriter::NextGroup() const {
  std::vector<const Entry*> group;
  size_t bytes = 0;
  for (const auto& entry : entries_) {
    bytes += entry->record.size();
    if (!group.empty() && (group.size() == kMaxRecordsPerSync || bytes > kMaxBytesPerSync)) break;
    group.push_back(entry.get());
  }
  return group;
}

void LogWriter::RunStrand() {
  while (true) {
    std::vector<const Entry*> group;
    std::function<void()> ended;
    {
      absl::MutexLock lock(&mu_);
      if (held_ || !has_work()) {
        ended = EndStrand();
      } else {
        group = NextGroup();
        writing_count_ = group.size();
      }
    }
    if (group.empty()) {
      if (ended) ended();
      return;
    }
    absl::Status status = faulty_ ? Recover() : absl::OkStatus();
    if (status.ok()) status = WriteOut(group);
    if (!status.ok()) {
      faulty_ = true;
      fault_callback_(absl::UnavailableError(
          StrCat("the log cannot be written: ", ToStd(status.message()),
                 "; until this is repaired the model predicts but does not learn, then it goes on "
                 "by itself")));
      RetryLater();
      return;
    }
    if (faulty_) fault_callback_(absl::OkStatus());
    faulty_ = false;
    logged_callback_(RemoveWritten());
  }
}

uint64_t LogWriter::RemoveWritten() {
  absl::MutexLock lock(&mu_);
  entries_.erase(entries_.begin(), entries_.begin() + static_cast<ptrdiff_t>(writing_count_));
  logged_offset_ += std::exchange(writing_count_, 0);
  return logged_offset_;
}

// Does not block the thread during the pause: other logs need it, if only to report the same fault.
void LogWriter::RetryLater() {
  std::function<void()> ended;
  {
    absl::MutexLock lock(&mu_);
    writing_count_ = 0;
    if (!stop_retrying_ && !held_) {
      strand_pool().PostAfter(options_.retry_interval,
                              [self = shared_from_this()] { self->RunStrand(); });
      return;
    }
    ended = EndStrand();
  }
  if (ended) ended();
}

absl::Status LogWriter::WriteOut(const std::vector<const Entry*>& entries) {
  uint64_t first;
  {
    absl::MutexLock lock(&mu_);
    first = logged_offset_;
  }
  std::vector<NewRecord> records;
  // After a recovery some of the entries may be in the log already.
  for (size_t i = log_->next_offset() - first; i < entries.size(); ++i) {
    const EncodedRecord& record = entries[i]->record;
    const std::array<ByteSpan, 2> pieces = record.pieces();
    records.push_back({.kind = record.kind, .payload = {pieces.begin(), pieces.end()}});
  }
  const bool sync =
      std::any_of(entries.begin(), entries.end(), [](const Entry* entry) { return entry->sync; });
  const auto begin = std::chrono::steady_clock::now();
  absl::Status status = log_->Append(records, sync);
  if (!status.ok() || !sync) return status;
  status = log_->Sync();
  sync_latency_.Record(absl::FromChrono(std::chrono::steady_clock::now() - begin));
  return status;
}

absl::Status LogWriter::Recover() {
  absl::StatusOr<uint64_t> next = log_->Recover();
  if (!next.ok()) return next.status();
  absl::MutexLock lock(&mu_);
  if (*next >= logged_offset_) return absl::OkStatus();
  return absl::DataLossError(StrCat(
      "the disk lost records that were acknowledged: the log ends at offset ", *next,
      ", the model is at ", logged_offset_, "; restart the server to go on from what is on disk"));
}

}  // namespace freshet
