#include "server/runtime/log_writer.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

// Records written between two syncs; bounds how long the first of them waits.
constexpr size_t kMaxRecordsPerSync = 4096;

}  // namespace

LogWriter::LogWriter(std::unique_ptr<Log> log, WorkerPool& pool, Options options)
    : log_(std::move(log)),
      pool_(pool),
      options_(options),
      logged_offset_(log_->next_offset()),
      sync_(options.sync) {}

void LogWriter::SetCallbacks(LoggedCallback logged, FaultCallback fault) {
  logged_callback_ = std::move(logged);
  fault_callback_ = std::move(fault);
}

void LogWriter::AppendBatch(std::shared_ptr<const LearnMessage> message) {
  Enqueue({RecordKind::kBatch, std::move(message), ""});
}

void LogWriter::Append(RecordKind kind, std::string payload) {
  Enqueue({kind, nullptr, std::move(payload)});
}

uint64_t LogWriter::logged_offset() const {
  absl::MutexLock lock(&mu_);
  return logged_offset_;
}

void LogWriter::Enqueue(Entry entry) {
  appended_bytes_ +=
      entry.message != nullptr ? entry.message->wire_bytes().size() : entry.payload.size();
  absl::MutexLock lock(&mu_);
  entry.sync = sync_ || entry.kind != RecordKind::kBatch;
  entries_.push_back(std::make_unique<Entry>(std::move(entry)));
  if (strand_running_) return;
  strand_running_ = true;
  pool_.Post([self = shared_from_this()] { self->RunStrand(); });
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

void LogWriter::RunStrand() {
  while (true) {
    std::vector<const Entry*> batch;
    {
      absl::MutexLock lock(&mu_);
      if (entries_.empty()) {
        strand_running_ = false;
        return;
      }
      for (const auto& entry : entries_) {
        if (batch.size() == kMaxRecordsPerSync) break;
        batch.push_back(entry.get());
      }
    }
    absl::Status status = faulty_ ? Recover() : absl::OkStatus();
    if (status.ok()) status = WriteOut(batch);
    if (!status.ok()) {
      faulty_ = true;
      fault_callback_(absl::UnavailableError(
          StrCat("the log cannot be written: ", ToStd(status.message()),
                 "; the model predicts but does not learn until this is mended, then goes on by "
                 "itself")));
      RetryLater();
      return;
    }
    if (faulty_) fault_callback_(absl::OkStatus());
    faulty_ = false;
    uint64_t logged;
    {
      absl::MutexLock lock(&mu_);
      entries_.erase(entries_.begin(), entries_.begin() + static_cast<ptrdiff_t>(batch.size()));
      logged = logged_offset_ += batch.size();
    }
    logged_callback_(logged);
  }
}

// Leaves the thread to the other logs meanwhile: they may be on the same disk, and must say so too.
void LogWriter::RetryLater() {
  {
    absl::MutexLock lock(&mu_);
    if (stop_retrying_) {
      strand_running_ = false;
      return;
    }
  }
  pool_.PostAfter(options_.retry_interval, [self = shared_from_this()] { self->RunStrand(); });
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
    const Entry& entry = *entries[i];
    const ByteSpan bytes = entry.message != nullptr ? entry.message->wire_bytes()
                                                    : std::as_bytes(std::span(entry.payload));
    records.push_back({.kind = entry.kind, .payload = {bytes}});
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
