#include "server/model/event_loader.h"

#include <cstddef>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

// Passing over a few records costs less than to look for the place anew.
constexpr uint64_t kMostPassedOver = 64;

// Events, with the bytes that they refer to.
struct OwnedEvents {
  std::vector<std::byte> payload;
  EventsRecord events;
};

}  // namespace

absl::StatusOr<std::optional<LogRecord>> EventLoader::Read(uint64_t offset) {
  const bool is_near = reader_ != nullptr && reader_->offset() <= offset &&
                       offset - reader_->offset() <= kMostPassedOver;
  while (is_near) {
    const bool is_last = reader_->offset() == offset;
    absl::StatusOr<std::optional<LogRecord>> record = reader_->Next();
    if (absl::IsAborted(record.status())) break;  // The end of the log was written anew.
    if (is_last || !record.ok() || !record->has_value()) return record;
  }
  reader_ = nullptr;
  absl::StatusOr<std::unique_ptr<LogReader>> reader = open_log_(offset);
  if (!reader.ok()) return reader.status();
  reader_ = *std::move(reader);
  return reader_->Next();
}

absl::StatusOr<EventLoader::Loaded> EventLoader::Load(uint64_t offset) {
  if (last_.events != nullptr && last_offset_ == offset) return last_;
  absl::StatusOr<std::optional<LogRecord>> logged = Read(offset);
  if (!logged.ok()) return logged.status();
  if (!logged->has_value()) {
    return absl::UnavailableError(StrCat("the record at offset ", offset, " is not logged yet"));
  }
  auto owned = std::make_shared<OwnedEvents>();
  owned->payload.assign((*logged)->payload.begin(), (*logged)->payload.end());
  absl::StatusOr<Record> record = ParseRecord((*logged)->kind, owned->payload, loss_);
  if (!record.ok()) return record.status();
  auto* const events = std::get_if<EventsRecord>(&record->body);
  if (events == nullptr) {
    return absl::DataLossError(StrCat("the record at offset ", offset, " does not hold events"));
  }
  owned->events = std::move(*events);
  last_offset_ = offset;
  last_ = {.events = std::shared_ptr<const EventsRecord>(owned, &owned->events),
           .time_ms = record->time_ms};
  return last_;
}

absl::Status EventLoader::LoadRows(LabelsRecord& labels) {
  auto rows = std::make_shared<LabelledRows>();
  for (const v1::LabelledRecord& decided : labels.note->records()) {
    const absl::StatusOr<Loaded> loaded = Load(decided.offset());
    if (!loaded.ok()) return loaded.status();
    absl::Status status = AddLabelledRows(decided, loaded->events, *rows);
    if (!status.ok()) return status;
  }
  labels.rows = std::move(rows);
  return absl::OkStatus();
}

}  // namespace freshet
