#include "server/model/log_follower.h"

#include <spdlog/spdlog.h>

#include <utility>
#include <variant>
#include <vector>

#include "core/base/json_object.h"

namespace freshet {

LogFollower::LogFollower(uint64_t offset, uint64_t champion_offset, WorkerPool& pool,
                         WorkerPool& io, Options options)
    : Strand(pool),
      options_(std::move(options)),
      io_(io),
      window_end_(offset),
      applied_offset_(offset),
      champion_offset_(champion_offset) {}

void LogFollower::Feed(uint64_t offset, const Record& record) {
  {
    const absl::MutexLock lock(&mu_);
    champion_offset_ = offset + 1;
    const bool is_restore = std::holds_alternative<RestoreRecord>(record.body);
    if (offset == window_end_ && has_room() && !is_restore) {
      Push(Entry{.payload = nullptr,
                 .record = record,
                 .restored = nullptr,
                 .memory_bytes = record.memory_bytes()});
    }
  }
  Wake();
}

void LogFollower::Push(Entry entry) {
  window_bytes_ += entry.memory_bytes;
  window_.push_back(std::move(entry));
  ++window_end_;
}

void LogFollower::Stop() {
  {
    const absl::MutexLock lock(&mu_);
    stopped_ = true;
  }
  Hurry();
}

absl::Status LogFollower::fault() const {
  const absl::MutexLock lock(&mu_);
  return fault_;
}

LogFollower::Position LogFollower::position() const {
  const absl::MutexLock lock(&mu_);
  return {.applied_offset = applied_offset_, .window_end = window_end_, .is_stopped = stopped_};
}

bool LogFollower::Step() {
  if (DoOtherWork()) return true;
  uint64_t offset = 0;
  {
    const absl::MutexLock lock(&mu_);
    FetchIfBehind();
    if (stopped_ || waiting_ || window_.empty()) return false;
    offset = applied_offset_;
  }
  if (!MayApply(offset)) return false;
  std::optional<Entry> next;
  {
    const absl::MutexLock lock(&mu_);
    next = std::move(window_.front());
    window_.pop_front();
    window_bytes_ -= next->memory_bytes;
  }
  absl::Status status = ApplyEntry(*next);
  if (!status.ok()) {
    RetryEntry(*std::move(next), std::move(status));
    return false;
  }
  const absl::MutexLock lock(&mu_);
  ++applied_offset_;
  if (!fetching_) fault_ = absl::OkStatus();
  return true;
}

void LogFollower::RetryEntry(Entry entry, absl::Status fault) {
  {
    const absl::MutexLock lock(&mu_);
    if (NextOffset() < applied_offset_) {
      GoBackTo(NextOffset());
    } else {
      window_bytes_ += entry.memory_bytes;
      window_.push_front(std::move(entry));
    }
    if (!NoteFault(std::move(fault))) return;
    waiting_ = true;
  }
  io_.PostAfter(options_.retry_interval, [weak = weak_from_this()] {
    const auto self = std::static_pointer_cast<LogFollower>(weak.lock());
    if (self == nullptr) return;
    {
      const absl::MutexLock lock(&self->mu_);
      self->waiting_ = false;
    }
    self->Wake();
  });
}

void LogFollower::GoBackTo(uint64_t offset) {
  window_.clear();
  window_bytes_ = 0;
  window_end_ = offset;
  applied_offset_ = offset;
}

void LogFollower::FetchIfBehind() {
  // Not for the room of each record that is applied.
  const bool has_much_room = window_bytes_ <= options_.max_window_bytes / 2;
  if (fetching_ || stopped_ || window_end_ == champion_offset_ || !has_much_room) return;
  fetching_ = true;
  PostFetch();
}

void LogFollower::PostFetch() {
  io_.Post([self = std::static_pointer_cast<LogFollower>(shared_from_this())] { self->Fetch(); });
}

void LogFollower::Fetch() {
  while (true) {
    uint64_t offset = 0;
    {
      const absl::MutexLock lock(&mu_);
      const bool came_up = window_end_ == champion_offset_;
      if (came_up || stopped_) reader_ = nullptr;  // The log may drop what it has read.
      if (came_up || stopped_ || !has_room()) {
        fetching_ = false;
        break;
      }
      offset = window_end_;
    }
    absl::StatusOr<std::optional<Entry>> entry = Read(offset);
    if (!entry.ok()) {
      RetryFetch(entry.status());
      break;
    }
    if (!entry->has_value()) {
      options_.when_logged(offset + 1, [weak = weak_from_this()](const absl::Status& logged) {
        const auto self = std::static_pointer_cast<LogFollower>(weak.lock());
        if (self == nullptr) return;
        if (logged.ok()) {
          self->PostFetch();
        } else {
          self->RetryFetch(logged);
        }
      });
      break;
    }
    {
      const absl::MutexLock lock(&mu_);
      if (offset != window_end_) continue;  // The follower went back meanwhile.
      if (!waiting_) fault_ = absl::OkStatus();
      Push(**std::move(entry));
    }
    Wake();
  }
}

absl::StatusOr<std::optional<LogFollower::Entry>> LogFollower::Read(uint64_t offset) {
  absl::StatusOr<std::optional<LogRecord>> logged = ReadFromLog(offset);
  if (!logged.ok()) return logged.status();
  if (!logged->has_value()) return std::nullopt;
  Entry entry;
  const ByteSpan read = (*logged)->payload;
  const auto payload = std::make_shared<std::vector<std::byte>>(read.begin(), read.end());
  entry.payload = payload;
  absl::StatusOr<Record> record = ParseRecord((*logged)->kind, *payload, options_.loss);
  if (!record.ok()) return record.status();
  entry.record = *std::move(record);
  if (absl::Status status = CompleteEntry(entry); !status.ok()) return status;
  entry.memory_bytes = entry.record.memory_bytes();
  return entry;
}

absl::StatusOr<std::optional<LogRecord>> LogFollower::ReadFromLog(uint64_t offset) {
  if (reader_ != nullptr && reader_->offset() == offset) {
    absl::StatusOr<std::optional<LogRecord>> record = reader_->Next();
    if (!absl::IsAborted(record.status())) return record;
  }
  // There is no reader yet, the end of the log was written anew, or what was read last was of no
  // use.
  reader_ = nullptr;
  absl::StatusOr<std::unique_ptr<LogReader>> reader = options_.open_log(offset);
  // The champion may be ahead of the log by more than the window holds.
  if (absl::IsNotFound(reader.status())) return std::nullopt;
  if (!reader.ok()) return reader.status();
  reader_ = *std::move(reader);
  return reader_->Next();
}

void LogFollower::RetryFetch(absl::Status fault) {
  {
    const absl::MutexLock lock(&mu_);
    if (!NoteFault(std::move(fault))) {
      fetching_ = false;
      return;
    }
  }
  io_.PostAfter(
      options_.retry_interval,
      [self = std::static_pointer_cast<LogFollower>(shared_from_this())] { self->Fetch(); });
}

bool LogFollower::NoteFault(absl::Status fault) {
  if (stopped_) return false;
  if (fault_.ok()) {
    spdlog::warn("event=follower_waits name={} offset={} error={}; it goes on by itself",
                 options_.name, applied_offset_, JsonString(fault.ToString()));
  }
  fault_ = std::move(fault);
  return true;
}

}  // namespace freshet
