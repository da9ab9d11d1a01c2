#include "server/join/join_entries.h"

#include <algorithm>
#include <bit>
#include <span>

#include "core/base/byte_text.h"
#include "core/base/state.h"

namespace freshet {
namespace {

// Big-endian, so that keys sort like numbers.
template <typename Number>
void AppendKeyNumber(Number number, std::string& key) {
  for (int shift = static_cast<int>(sizeof(Number)) * 8 - 8; shift >= 0; shift -= 8) {
    key.push_back(static_cast<char>(static_cast<uint8_t>(number >> shift)));
  }
}

template <typename Number>
Number ReadKeyNumber(std::string_view key) {
  Number number = 0;
  for (size_t i = 0; i < sizeof(Number); ++i) {
    number = static_cast<Number>(number << 8) | static_cast<uint8_t>(key[i]);
  }
  return number;
}

template <typename Length>
void AppendText(std::string_view text, std::string& bytes) {
  AppendNumber<Length>(static_cast<Length>(text.size()), bytes);
  bytes += text;
}

// A length that the rest of the bytes has no room for gives an empty text, and fails the reader.
template <typename Length>
std::string ReadText(StateReader& reader) {
  const size_t size = reader.ReadValue<Length>();
  std::string text(std::min(size, reader.remaining_bytes()), '\0');
  reader.Read(std::as_writable_bytes(std::span(text)));
  if (text.size() < size) reader.Read(std::as_writable_bytes(std::span(text)));
  return text;
}

// A count of things that take at least `least_bytes` each.
uint32_t ReadCount(StateReader& reader, size_t least_bytes) {
  const auto count = reader.ReadValue<uint32_t>();
  if (count <= reader.remaining_bytes() / least_bytes) return count;
  std::string beyond(reader.remaining_bytes() + 1, '\0');  // Fails the reader.
  reader.Read(std::as_writable_bytes(std::span(beyond)));
  return 0;
}

bool IsWhole(const StateReader& reader) {
  return reader.status().ok() && reader.remaining_bytes() == 0;
}

void AppendEventTime(const EventTime& time, std::string& bytes) {
  AppendNumber<int64_t>(time.record_ms, bytes);
  AppendNumber<uint8_t>(time.own_ms.has_value() ? 1 : 0, bytes);
  if (time.own_ms.has_value()) AppendNumber<int64_t>(*time.own_ms, bytes);
}

EventTime ReadEventTime(StateReader& reader) {
  EventTime time;
  time.record_ms = reader.ReadValue<int64_t>();
  if (reader.ReadValue<uint8_t>() != 0) time.own_ms = reader.ReadValue<int64_t>();
  return time;
}

void AppendFeedback(const Feedback& item, std::string& bytes) {
  AppendNumber<int64_t>(item.time_ms, bytes);
  AppendNumber<float>(item.value, bytes);
  AppendNumber<uint8_t>(static_cast<uint8_t>((item.withdraws ? 1 : 0) | (item.withdrawn ? 2 : 0)),
                        bytes);
  AppendText<uint8_t>(item.name, bytes);
  AppendText<uint8_t>(item.feedback_id, bytes);
}

constexpr size_t kLeastFeedbackBytes = 15;

Feedback ReadFeedback(StateReader& reader) {
  Feedback item;
  item.time_ms = reader.ReadValue<int64_t>();
  item.value = reader.ReadValue<float>();
  const auto flags = reader.ReadValue<uint8_t>();
  item.withdraws = (flags & 1) != 0;
  item.withdrawn = (flags & 2) != 0;
  item.name = ReadText<uint8_t>(reader);
  item.feedback_id = ReadText<uint8_t>(reader);
  return item;
}

}  // namespace

std::string OffsetKey(uint64_t offset) {
  std::string key;
  AppendKeyNumber(offset, key);
  return key;
}

std::string SequenceKey(uint64_t sequence) { return OffsetKey(sequence); }

std::string PlaceKey(RowPlace place) {
  std::string key;
  AppendKeyNumber(place.offset, key);
  AppendKeyNumber(place.row, key);
  return key;
}

std::optional<uint64_t> ParseOffsetKey(std::string_view key) {
  if (key.size() != sizeof(uint64_t)) return std::nullopt;
  return ReadKeyNumber<uint64_t>(key);
}

std::optional<RowPlace> ParsePlaceKey(std::string_view key) {
  if (key.size() != sizeof(uint64_t) + sizeof(uint32_t)) return std::nullopt;
  return RowPlace{.offset = ReadKeyNumber<uint64_t>(key),
                  .row = ReadKeyNumber<uint32_t>(key.substr(sizeof(uint64_t)))};
}

std::string EventEntry::Format() const {
  std::string bytes;
  AppendNumber<uint64_t>(place.offset, bytes);
  AppendNumber<uint32_t>(place.row, bytes);
  AppendEventTime(time, bytes);
  return bytes;
}

bool EventEntry::Parse(std::string_view bytes) {
  StateReader reader(BytesOfText(bytes));
  place.offset = reader.ReadValue<uint64_t>();
  place.row = reader.ReadValue<uint32_t>();
  time = ReadEventTime(reader);
  return IsWhole(reader);
}

bool RecordEntry::is_duplicate(uint32_t row) const {
  return std::binary_search(duplicates.begin(), duplicates.end(), row);
}

void RecordEntry::set_early(uint32_t row) {
  if (early.empty()) early.assign((size_t{row_count} + 7) / 8, '\0');
  early[row / 8] = static_cast<char>(static_cast<uint8_t>(early[row / 8]) | (1u << (row % 8)));
}

bool RecordEntry::all_early() const {
  size_t count = 0;
  for (const char bits : early) {
    count += static_cast<size_t>(std::popcount(static_cast<uint8_t>(bits)));
  }
  return count >= row_count;
}

const DecidedSpan* RecordEntry::FindSpan(uint32_t row) const {
  for (const DecidedSpan& span : spans) {
    if (row < span.end_row) return &span;
  }
  return nullptr;
}

std::string RecordEntry::Format() const {
  std::string bytes;
  AppendNumber<int64_t>(time_ms, bytes);
  AppendNumber<uint32_t>(row_count, bytes);
  AppendNumber<uint64_t>(log_bytes, bytes);
  AppendNumber<uint8_t>(static_cast<uint8_t>((has_own_times ? 1 : 0) | (counted ? 2 : 0)), bytes);
  AppendNumber<int64_t>(max_time_ms, bytes);
  AppendNumber<uint32_t>(static_cast<uint32_t>(duplicates.size()), bytes);
  for (const uint32_t row : duplicates) AppendNumber<uint32_t>(row, bytes);
  AppendText<uint32_t>(early, bytes);
  AppendNumber<uint32_t>(static_cast<uint32_t>(spans.size()), bytes);
  for (const DecidedSpan& span : spans) {
    AppendNumber<uint32_t>(span.end_row, bytes);
    AppendNumber<float>(span.label, bytes);
    AppendNumber<int64_t>(span.time_ms, bytes);
    AppendNumber<uint64_t>(span.offset, bytes);
  }
  return bytes;
}

bool RecordEntry::Parse(std::string_view bytes) {
  constexpr size_t kSpanBytes = 24;
  StateReader reader(BytesOfText(bytes));
  time_ms = reader.ReadValue<int64_t>();
  row_count = reader.ReadValue<uint32_t>();
  log_bytes = reader.ReadValue<uint64_t>();
  const auto flags = reader.ReadValue<uint8_t>();
  has_own_times = (flags & 1) != 0;
  counted = (flags & 2) != 0;
  max_time_ms = reader.ReadValue<int64_t>();
  duplicates.resize(ReadCount(reader, sizeof(uint32_t)));
  for (uint32_t& row : duplicates) row = reader.ReadValue<uint32_t>();
  early = ReadText<uint32_t>(reader);
  spans.resize(ReadCount(reader, kSpanBytes));
  for (DecidedSpan& span : spans) {
    span.end_row = reader.ReadValue<uint32_t>();
    span.label = reader.ReadValue<float>();
    span.time_ms = reader.ReadValue<int64_t>();
    span.offset = reader.ReadValue<uint64_t>();
  }
  return IsWhole(reader) && (early.empty() || early.size() == (size_t{row_count} + 7) / 8);
}

std::string RowsEntry::Format() const {
  std::string bytes;
  AppendNumber<uint32_t>(static_cast<uint32_t>(own_times_ms.size()), bytes);
  for (const int64_t time : own_times_ms) AppendNumber<int64_t>(time, bytes);
  AppendNumber<uint32_t>(static_cast<uint32_t>(ids.size()), bytes);
  for (const std::string& id : ids) AppendText<uint8_t>(id, bytes);
  return bytes;
}

bool RowsEntry::Parse(std::string_view bytes) {
  StateReader reader(BytesOfText(bytes));
  own_times_ms.resize(ReadCount(reader, sizeof(int64_t)));
  for (int64_t& time : own_times_ms) time = reader.ReadValue<int64_t>();
  ids.resize(ReadCount(reader, 1));
  for (std::string& id : ids) id = ReadText<uint8_t>(reader);
  return IsWhole(reader);
}

std::string FeedbackEntry::Format() const {
  std::string bytes;
  AppendEventTime(time, bytes);
  AppendNumber<uint8_t>(static_cast<uint8_t>((decided ? 1 : 0) | (matched ? 2 : 0) |
                                             (late ? 4 : 0) | (corrected ? 8 : 0)),
                        bytes);
  AppendNumber<float>(label, bytes);
  AppendNumber<float>(weight, bytes);
  AppendNumber<int64_t>(decide_time_ms, bytes);
  AppendNumber<uint64_t>(decide_offset, bytes);
  AppendNumber<uint64_t>(queued, bytes);
  AppendNumber<uint32_t>(static_cast<uint32_t>(items.size()), bytes);
  for (const Feedback& item : items) AppendFeedback(item, bytes);
  return bytes;
}

bool FeedbackEntry::Parse(std::string_view bytes) {
  StateReader reader(BytesOfText(bytes));
  time = ReadEventTime(reader);
  const auto flags = reader.ReadValue<uint8_t>();
  decided = (flags & 1) != 0;
  matched = (flags & 2) != 0;
  late = (flags & 4) != 0;
  corrected = (flags & 8) != 0;
  label = reader.ReadValue<float>();
  weight = reader.ReadValue<float>();
  decide_time_ms = reader.ReadValue<int64_t>();
  decide_offset = reader.ReadValue<uint64_t>();
  queued = reader.ReadValue<uint64_t>();
  items.resize(ReadCount(reader, kLeastFeedbackBytes));
  for (Feedback& item : items) item = ReadFeedback(reader);
  return IsWhole(reader);
}

std::string FormatHeld(const std::vector<HeldFeedback>& held) {
  std::string bytes;
  AppendNumber<uint32_t>(static_cast<uint32_t>(held.size()), bytes);
  for (const HeldFeedback& one : held) {
    AppendNumber<int64_t>(one.arrival_ms, bytes);
    AppendNumber<uint64_t>(one.item.offset, bytes);
    AppendNumber<uint32_t>(one.item.row, bytes);
    AppendFeedback(one.feedback, bytes);
  }
  return bytes;
}

bool ParseHeld(std::string_view bytes, std::vector<HeldFeedback>& held) {
  StateReader reader(BytesOfText(bytes));
  held.resize(ReadCount(reader, kLeastFeedbackBytes));
  for (HeldFeedback& one : held) {
    one.arrival_ms = reader.ReadValue<int64_t>();
    one.item.offset = reader.ReadValue<uint64_t>();
    one.item.row = reader.ReadValue<uint32_t>();
    one.feedback = ReadFeedback(reader);
  }
  return IsWhole(reader);
}

std::string HeldOrderEntry::Format() const {
  std::string bytes;
  AppendNumber<int64_t>(arrival_ms, bytes);
  bytes += event_id;
  return bytes;
}

bool HeldOrderEntry::Parse(std::string_view bytes) {
  StateReader reader(BytesOfText(bytes));
  arrival_ms = reader.ReadValue<int64_t>();
  event_id.resize(reader.remaining_bytes());
  reader.Read(std::as_writable_bytes(std::span(event_id)));
  return IsWhole(reader);
}

}  // namespace freshet
