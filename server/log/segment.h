// The bytes of a segment file: what server/log/FORMAT.md describes.

#ifndef FRESHET_SERVER_LOG_SEGMENT_H_
#define FRESHET_SERVER_LOG_SEGMENT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/file/file_system.h"
#include "server/record/encoded_record.h"

namespace freshet {

constexpr uint32_t kSegmentVersion = 1;
constexpr uint64_t kSegmentHeaderBytes = 64;
constexpr uint64_t kRecordHeaderBytes = 32;
constexpr uint64_t kRecordAlignment = 8;

// The largest payload of one record.
constexpr uint64_t kMaxPayloadBytes = uint64_t{1} << 31;

// What stands at the beginning of a segment file.
struct SegmentHeader {
  static constexpr uint64_t kNoPrevious = ~uint64_t{0};

  // The offset of the segment's first record.
  uint64_t first_offset = 0;
  // Seeds the checksums of the records: a record that was copied here from elsewhere, for example
  // inside another record's payload, is not taken for one of this segment.
  uint64_t checksum_seed = 0;
  // The first offset of the segment before this one, or kNoPrevious where the log begins here.
  uint64_t previous_first_offset = kNoPrevious;
  // The size of the segment before this one; 0 if there is none.
  uint64_t previous_bytes = 0;
  // Of the model whose log it is; 0 for a model without one.
  uint64_t uid = 0;
};

// What stands before each payload.
struct RecordHeader {
  uint64_t offset = 0;
  // When the record was written, all records below this offset were durable. Tells damage from
  // what a loss of power leaves.
  uint64_t durable_offset = 0;
  uint32_t payload_bytes = 0;
  RecordKind kind{};
};

// The header of a segment that the log of the model `uid` begins with.
SegmentHeader FirstSegmentHeader(uint64_t first_offset, uint64_t uid);

using SegmentHeaderBytes = std::array<std::byte, kSegmentHeaderBytes>;
using RecordHeaderBytes = std::array<std::byte, kRecordHeaderBytes>;

SegmentHeaderBytes EncodeSegmentHeader(const SegmentHeader& header);

// DATA_LOSS says what is wrong; FAILED_PRECONDITION if a newer version wrote it. The messages do
// not name the file.
absl::StatusOr<SegmentHeader> DecodeSegmentHeader(ByteSpan bytes);

// The header of a record with its checksums, which are computed here.
RecordHeaderBytes EncodeRecordHeader(const RecordHeader& header, std::span<const ByteSpan> payload,
                                     uint64_t checksum_seed);

// Reads the fields without checking them. REQUIRES: bytes.size() >= kRecordHeaderBytes.
RecordHeader DecodeRecordHeader(ByteSpan bytes);

// Whether the fields of a record's header are as they were written.
// REQUIRES: bytes.size() >= kRecordHeaderBytes.
bool RecordHeaderHolds(ByteSpan bytes, uint64_t checksum_seed);

// Whether a record is as it was written. REQUIRES: `record` is header, payload and padding.
bool RecordChecksumHolds(ByteSpan record, uint64_t checksum_seed);

// The zeros that follow a payload of this length.
ByteSpan RecordPadding(uint64_t payload_bytes);

// What a record takes in the file: header, payload and padding.
constexpr uint64_t RecordBytes(uint64_t payload_bytes) {
  return (kRecordHeaderBytes + payload_bytes + kRecordAlignment - 1) / kRecordAlignment *
         kRecordAlignment;
}

// A seed that nobody can foresee.
uint64_t RandomChecksumSeed();

// The name of the file whose first record has `first_offset`: 20 digits and ".log".
std::string SegmentFileName(uint64_t first_offset);

// The inverse; none for any other name.
std::optional<uint64_t> ParseSegmentFileName(std::string_view name);

}  // namespace freshet

#endif  // FRESHET_SERVER_LOG_SEGMENT_H_
