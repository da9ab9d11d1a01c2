#include "client/command/event_rows.h"

#include <optional>
#include <utility>

#include "core/base/str_cat.h"
#include "core/format/number.h"
#include "core/format/parse_error.h"

namespace freshet {
namespace {

// The most bytes that servers accept.
constexpr size_t kMaxIdBytes = 128;

absl::Status BadRow(const ExampleReader& reader, std::string_view reason) {
  return absl::InvalidArgumentError(StrCat(reader.path() == "-" ? "stdin" : reader.path(), ":",
                                           reader.line_number(), ": ", reason));
}

}  // namespace

absl::StatusOr<int64_t> ParseEventTime(const TimeReader& reader, std::string_view field,
                                       std::string_view text) {
  CivilTime time{};
  if (reader.Read(TrimBlanks(text), time) && time.unix_ms >= 0) return time.unix_ms;
  return absl::InvalidArgumentError(StrCat("time field ", Quoted(field), " has ", Quoted(text),
                                           "; it must be ", reader.Allowed(), ", not before 1970"));
}

absl::StatusOr<EventRows> EventRows::Make(const FormatOptions& parse, Ids ids) {
  absl::StatusOr<TimeReader> time = TimeReader::Make(parse.time_format);
  if (!time.ok()) return time.status();
  const FormatOptions trimmed = WithoutBlanks(parse);
  return EventRows(trimmed.event_id_field, trimmed.event_time_field, *std::move(time), ids);
}

absl::Status EventRows::Read(ExampleReader& reader) {
  absl::Status status = ReadId(reader);
  if (status.ok() && !time_field_.empty()) status = ReadTime(reader);
  return status;
}

absl::Status EventRows::ReadId(ExampleReader& reader) {
  id_ = reader.tag();
  if (!id_field_.empty()) {
    auto field = reader.Field(id_field_);
    if (!field.ok()) return field.status();
    id_ = field->has_value() ? std::move((*field)->text) : "";
  }
  if (id_.size() > kMaxIdBytes) {
    return BadRow(reader,
                  StrCat("the event id has ", id_.size(), " bytes; it may have ", kMaxIdBytes));
  }
  const bool needed = kind_ == Ids::kRequired || !id_field_.empty();
  if (id_.empty() && needed) {
    return BadRow(reader,
                  id_field_.empty()
                      ? std::string("the row has no event id; name its field with --event-id")
                      : StrCat("event id field ", Quoted(id_field_),
                               " is missing or empty; it must be 1 to 128 bytes"));
  }
  if (any_read_ && has_ids_ == id_.empty()) {
    return BadRow(reader, has_ids_ ? "the row has no event id, but rows before it have one"
                                   : "the row has an event id, but rows before it have none");
  }
  any_read_ = true;
  has_ids_ = !id_.empty();
  return absl::OkStatus();
}

absl::Status EventRows::ReadTime(ExampleReader& reader) {
  auto field = reader.Field(time_field_);
  if (!field.ok()) return field.status();
  if (!field->has_value()) {
    return BadRow(reader, StrCat("time field ", Quoted(time_field_), " is missing"));
  }
  const absl::StatusOr<int64_t> time = ParseEventTime(time_, time_field_, (*field)->text);
  if (!time.ok()) return BadRow(reader, ToStd(time.status().message()));
  time_ms_ = *time;
  return absl::OkStatus();
}

void EventRows::Add() {
  if (has_ids_) ids_.push_back(id_);
  if (!time_field_.empty()) times_ms_.push_back(time_ms_);
}

void EventRows::Clear() {
  ids_.clear();
  times_ms_.clear();
}

}  // namespace freshet
