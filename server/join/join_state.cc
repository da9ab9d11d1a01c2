#include "server/join/join_state.h"

#include <algorithm>
#include <span>

#include "core/base/byte_text.h"
#include "core/base/state.h"

namespace freshet {

bool JoinState::IsOlder(const EventTime& time, int64_t span_ms) const {
  if (AddMs(time.record_ms, span_ms) < record_time_ms) return true;
  return time.own_ms.has_value() && AddMs(*time.own_ms, span_ms) < stream_ms();
}

void JoinState::RaiseRemoved() {
  const int64_t span = AddMs(HorizonMs(rule), HoldMs(rule));
  removed_record_ms = std::max(removed_record_ms, AddMs(record_time_ms, -span));
  removed_stream_ms = std::max(removed_stream_ms, AddMs(stream_ms(), -span));
}

std::string JoinState::Format() const {
  std::string bytes;
  AppendNumber<uint32_t>(kVersion, bytes);
  AppendNumber<uint64_t>(offset, bytes);
  AppendNumber<uint64_t>(indexed_below, bytes);
  AppendNumber<uint64_t>(labels_number, bytes);
  AppendNumber<uint8_t>(takes_any_number ? 1 : 0, bytes);
  for (const int64_t time :
       {record_time_ms, max_event_ms, max_feedback_ms, removed_record_ms, removed_stream_ms}) {
    AppendNumber<int64_t>(time, bytes);
  }
  const auto append_time = [&bytes](const EventTime* time) {
    const bool own = time != nullptr && time->own_ms.has_value();
    AppendNumber<uint8_t>(static_cast<uint8_t>((time != nullptr ? 1 : 0) | (own ? 2 : 0)), bytes);
    AppendNumber<int64_t>(time != nullptr ? time->record_ms : 0, bytes);
    AppendNumber<int64_t>(own ? *time->own_ms : 0, bytes);
  };
  AppendNumber<uint64_t>(due.offset, bytes);
  AppendNumber<uint32_t>(due.row, bytes);
  append_time(due_time.has_value() ? &*due_time : nullptr);
  AppendNumber<uint64_t>(settled_below, bytes);
  AppendNumber<uint64_t>(first_record, bytes);
  append_time(retained ? &first_time : nullptr);
  for (const uint64_t number : {queue_begin, queue_end, queue_count, order_count}) {
    AppendNumber<uint64_t>(number, bytes);
  }
  AppendNumber<uint64_t>(order_begin.offset, bytes);
  AppendNumber<uint32_t>(order_begin.row, bytes);
  AppendNumber<int64_t>(order_time_ms, bytes);
  figures.Append(bytes);
  const std::string rule_bytes = rule.SerializeAsString();
  AppendNumber<uint32_t>(static_cast<uint32_t>(rule_bytes.size()), bytes);
  return bytes + rule_bytes;
}

bool JoinState::Parse(std::string_view bytes) {
  StateReader reader(BytesOfText(bytes));
  if (reader.ReadValue<uint32_t>() != kVersion) return false;
  offset = reader.ReadValue<uint64_t>();
  indexed_below = reader.ReadValue<uint64_t>();
  labels_number = reader.ReadValue<uint64_t>();
  takes_any_number = reader.ReadValue<uint8_t>() != 0;
  for (int64_t* const time :
       {&record_time_ms, &max_event_ms, &max_feedback_ms, &removed_record_ms, &removed_stream_ms}) {
    *time = reader.ReadValue<int64_t>();
  }
  const auto read_time = [&reader](EventTime& time) {
    const auto flags = reader.ReadValue<uint8_t>();
    time.record_ms = reader.ReadValue<int64_t>();
    const auto own_ms = reader.ReadValue<int64_t>();
    time.own_ms.reset();
    if ((flags & 2) != 0) time.own_ms = own_ms;
    return (flags & 1) != 0;
  };
  due.offset = reader.ReadValue<uint64_t>();
  due.row = reader.ReadValue<uint32_t>();
  EventTime time;
  due_time.reset();
  if (read_time(time)) due_time = time;
  settled_below = reader.ReadValue<uint64_t>();
  first_record = reader.ReadValue<uint64_t>();
  retained = read_time(first_time);
  for (uint64_t* const number : {&queue_begin, &queue_end, &queue_count, &order_count}) {
    *number = reader.ReadValue<uint64_t>();
  }
  order_begin.offset = reader.ReadValue<uint64_t>();
  order_begin.row = reader.ReadValue<uint32_t>();
  order_time_ms = reader.ReadValue<int64_t>();
  figures.Read(reader);
  std::string rule_bytes(std::min<size_t>(reader.ReadValue<uint32_t>(), reader.remaining_bytes()),
                         '\0');
  reader.Read(std::as_writable_bytes(std::span(rule_bytes)));
  return reader.status().ok() && reader.remaining_bytes() == 0 && rule.ParseFromString(rule_bytes);
}

}  // namespace freshet
