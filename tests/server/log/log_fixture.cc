#include "tests/server/log/log_fixture.h"

#include <array>
#include <optional>
#include <span>
#include <utility>

#include "core/base/byte_text.h"

namespace freshet {

std::string PayloadOf(uint64_t offset) {
  const uint64_t mixed = (offset + 1) * 0x9E3779B97F4A7C15U;
  std::string payload(mixed % 301, static_cast<char>(mixed >> 56));
  for (size_t i = 0; i < payload.size() / 2; ++i) {
    payload[i] = static_cast<char>((mixed >> (i % 56)) + i);
  }
  return payload;
}

RecordKind KindOf(uint64_t offset) {
  return offset % 5 == 0 ? RecordKind::kOldSettings : RecordKind::kOldBatch;
}

absl::Status AppendNext(Log& log) {
  const uint64_t expected = log.next_offset();
  const std::string payload = PayloadOf(expected);
  const ByteSpan bytes = std::as_bytes(std::span(payload));
  const size_t cut = bytes.size() / 3;
  const std::array<ByteSpan, 3> pieces = {bytes.first(cut), ByteSpan(), bytes.subspan(cut)};
  const absl::StatusOr<uint64_t> offset = log.Append(KindOf(expected), pieces);
  EXPECT_EQ(offset.value_or(expected), expected);
  return offset.status();
}

void AppendMany(Log& log, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    const absl::Status status = AppendNext(log);
    ASSERT_TRUE(status.ok()) << status;
  }
}

uint64_t ExpectGoodRecords(Log& log) {
  const absl::StatusOr<std::unique_ptr<LogReader>> reader = log.NewReader(log.first_offset());
  if (!reader.ok()) {
    ADD_FAILURE() << reader.status();
    return 0;
  }
  uint64_t count = 0;
  for (uint64_t offset = log.first_offset(); offset < log.next_offset(); ++offset, ++count) {
    const absl::StatusOr<std::optional<LogRecord>> record = (*reader)->Next();
    if (!record.ok() || !record->has_value()) {
      ADD_FAILURE() << "at offset " << offset << ": " << record.status();
      return count;
    }
    EXPECT_EQ((*record)->offset, offset);
    EXPECT_EQ((*record)->kind, KindOf(offset));
    EXPECT_EQ(TextOfBytes((*record)->payload), PayloadOf(offset));
  }
  const absl::StatusOr<std::optional<LogRecord>> end = (*reader)->Next();
  EXPECT_TRUE(end.ok() && !end->has_value()) << end.status();
  return count;
}

LogOptions SmallSegments() { return {.segment_bytes = 2000, .first_offset = 0}; }

std::unique_ptr<Log> OpenLog(FileSystem& files, const std::string& dir) {
  absl::StatusOr<std::unique_ptr<Log>> log = Log::Open(files, dir, SmallSegments());
  EXPECT_TRUE(log.ok()) << log.status();
  return log.ok() ? *std::move(log) : nullptr;
}

}  // namespace freshet
