#include "server/model/challenger.h"

#include <spdlog/spdlog.h>

#include <string>
#include <utility>
#include <variant>

#include "core/base/json_object.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

// Of a record that is no batch: such records are small.
constexpr uint64_t kSmallRecordBytes = 1024;

uint64_t MemoryBytesOf(const Record& record) {
  return record.batch() == nullptr ? kSmallRecordBytes : record.batch()->memory_bytes();
}

}  // namespace

Challenger::Challenger(std::unique_ptr<Variant> variant, uint64_t champion_offset, WorkerPool& pool,
                       WorkerPool& io, Options options)
    : Strand(pool),
      options_(std::move(options)),
      io_(io),
      variant_(std::move(variant)),
      predictor_(*variant_),
      window_end_(variant_->offset()),
      applied_offset_(variant_->offset()),
      champion_offset_(champion_offset) {}

std::shared_ptr<Challenger> Challenger::Start(std::unique_ptr<Variant> variant,
                                              uint64_t champion_offset, WorkerPool& pool,
                                              WorkerPool& io, Options options) {
  std::shared_ptr<Challenger> challenger(
      new Challenger(std::move(variant), champion_offset, pool, io, std::move(options)));
  challenger->Wake();
  return challenger;
}

void Challenger::Feed(uint64_t offset, const Record& record) {
  {
    const absl::MutexLock lock(&mu_);
    champion_offset_ = offset + 1;
    const bool is_restore = std::holds_alternative<RestoreRecord>(record.body);
    if (offset == window_end_ && has_room() && !is_restore) {
      Push(Entry{.payload = nullptr,
                 .record = record,
                 .restored = nullptr,
                 .memory_bytes = MemoryBytesOf(record)});
    }
  }
  Wake();
}

void Challenger::Push(Entry entry) {
  window_bytes_ += entry.memory_bytes;
  window_.push_back(std::move(entry));
  ++window_end_;
}

void Challenger::Save(uint64_t offset, std::function<void(SavedPart)> saved) {
  {
    const absl::MutexLock lock(&mu_);
    saves_.push_back({.offset = offset, .saved = std::move(saved)});
  }
  Wake();
}

void Challenger::Stop() {
  {
    const absl::MutexLock lock(&mu_);
    stopped_ = true;
  }
  Hurry();
}

absl::Status Challenger::fault() const {
  const absl::MutexLock lock(&mu_);
  return fault_;
}

std::vector<Challenger::PendingSave> Challenger::TakeDueSaves() {
  std::vector<PendingSave> due;
  std::vector<PendingSave> left;
  for (PendingSave& save : saves_) {
    const bool is_due = stopped_ || applied_offset_ >= save.offset || window_end_ < save.offset;
    (is_due ? due : left).push_back(std::move(save));
  }
  saves_ = std::move(left);
  return due;
}

bool Challenger::Step() {
  std::vector<PendingSave> saves;
  std::optional<Entry> next;
  {
    const absl::MutexLock lock(&mu_);
    saves = TakeDueSaves();
    FetchIfBehind();
    if (saves.empty() && !stopped_ && !window_.empty()) {
      next = std::move(window_.front());
      window_.pop_front();
      window_bytes_ -= next->memory_bytes;
      ++applied_offset_;
    }
  }
  for (const PendingSave& save : saves) save.saved(variant_->SavePart());
  if (!next.has_value()) return !saves.empty();
  variant_->Apply(next->record, next->restored.get());
  predictor_.Publish(*variant_);
  return true;
}

void Challenger::FetchIfBehind() {
  // Not for the room of each record that is learned.
  const bool has_much_room = window_bytes_ <= options_.max_window_bytes / 2;
  if (fetching_ || stopped_ || window_end_ == champion_offset_ || !has_much_room) return;
  fetching_ = true;
  PostFetch();
}

void Challenger::PostFetch() {
  io_.Post([self = std::static_pointer_cast<Challenger>(shared_from_this())] { self->Fetch(); });
}

void Challenger::Fetch() {
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
        const auto self = std::static_pointer_cast<Challenger>(weak.lock());
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
      fault_ = absl::OkStatus();
      Push(**std::move(entry));
    }
    Wake();
  }
}

absl::StatusOr<std::optional<Challenger::Entry>> Challenger::Read(uint64_t offset) {
  absl::StatusOr<std::optional<LogRecord>> logged = ReadFromLog(offset);
  if (!logged.ok()) return logged.status();
  if (!logged->has_value()) return std::nullopt;
  Entry entry;
  const ByteSpan read = (*logged)->payload;
  const auto payload = std::make_shared<std::vector<std::byte>>(read.begin(), read.end());
  entry.payload = payload;
  absl::StatusOr<Record> record =
      ParseRecord((*logged)->kind, *payload, predictor_.Now().variant->loss);
  if (!record.ok()) return record.status();
  entry.record = *std::move(record);
  if (const auto* restore = std::get_if<RestoreRecord>(&entry.record.body)) {
    auto restored = options_.load_restored(*restore);
    if (!restored.ok()) return restored.status();
    entry.restored = *std::move(restored);
  }
  entry.memory_bytes = MemoryBytesOf(entry.record);
  return entry;
}

absl::StatusOr<std::optional<LogRecord>> Challenger::ReadFromLog(uint64_t offset) {
  if (reader_ != nullptr && reader_->offset() == offset) {
    absl::StatusOr<std::optional<LogRecord>> record = reader_->Next();
    if (!absl::IsAborted(record.status())) return record;
  }
  // There is no reader yet, the end of the log was written anew, or what was read last was of no
  // use.
  reader_ = nullptr;
  absl::StatusOr<std::unique_ptr<LogReader>> reader = options_.open_log(offset);
  if (!reader.ok()) return reader.status();
  reader_ = *std::move(reader);
  return reader_->Next();
}

void Challenger::RetryFetch(absl::Status fault) {
  {
    const absl::MutexLock lock(&mu_);
    if (stopped_) {
      fetching_ = false;
      return;
    }
    if (fault_.ok()) {
      spdlog::warn("event=challenger_waits variant={} offset={} error={}; it goes on by itself",
                   options_.name, window_end_, JsonString(fault.ToString()));
    }
    fault_ = std::move(fault);
  }
  io_.PostAfter(
      options_.retry_interval,
      [self = std::static_pointer_cast<Challenger>(shared_from_this())] { self->Fetch(); });
}

}  // namespace freshet
