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

// The header at the beginning of a segment file.
struct SegmentHeader {
  static constexpr uint64_t kNoPrevious = ~uint64_t{0};

  // The offset of the segment's first record.
  uint64_t first_offset = 0;
  // Seeds the checksums of the records, so that a record that got here from elsewhere, for example
  // inside another record's payload, is not taken for one of this segment.
  uint64_t checksum_seed = 0;
  // The first offset of the segment before this one, or kNoPrevious if the log begins here.
  uint64_t previous_first_offset = kNoPrevious;
  // The size of the segment before this one; 0 if there is none.
  uint64_t previous_bytes = 0;
  // The uid of the model; 0 if the model has none.
  uint64_t uid = 0;
};

// The header before each payload.
struct RecordHeader {
  uint64_t offset = 0;
  // All records below this offset were durable when this one was written. This tells damage from
  // what a loss of power leaves.
  uint64_t durable_offset = 0;
  uint32_t payload_bytes = 0;
  RecordKind kind{};
};

// The header of the segment with which the log of the model `uid` begins.
SegmentHeader FirstSegmentHeader(uint64_t first_offset, uint64_t uid);

using SegmentHeaderBytes = std::array<std::byte, kSegmentHeaderBytes>;
using RecordHeaderBytes = std::array<std::byte, kRecordHeaderBytes>;

SegmentHeaderBytes EncodeSegmentHeader(const SegmentHeader& header);

// DATA_LOSS says what is wrong; FAILED_PRECONDITION if a newer version wrote it. The messages do
// not name the file.
absl::StatusOr<SegmentHeader> DecodeSegmentHeader(ByteSpan bytes);

// The bytes of a record's header. Computes the checksums.
RecordHeaderBytes EncodeRecordHeader(const RecordHeader& header, std::span<const ByteSpan> payload,
                                     uint64_t checksum_seed);

// Reads the fields without checking them. REQUIRES: bytes.size() >= kRecordHeaderBytes.
RecordHeader DecodeRecordHeader(ByteSpan bytes);

// Whether the header's own checksum matches.
// REQUIRES: bytes.size() >= kRecordHeaderBytes.
bool RecordHeaderHolds(ByteSpan bytes, uint64_t checksum_seed);

// Whether the checksum of a whole record matches. REQUIRES: `record` is header, payload and
// padding.
bool RecordChecksumHolds(ByteSpan record, uint64_t checksum_seed);

// The zeros that pad a payload of this length.
ByteSpan RecordPadding(uint64_t payload_bytes);

// The size of a record in the file: header, payload and padding.
constexpr uint64_t RecordBytes(uint64_t payload_bytes) {
  return (kRecordHeaderBytes + payload_bytes + kRecordAlignment - 1) / kRecordAlignment *
         kRecordAlignment;
}

// An unpredictable seed, so that a client cannot send bytes with valid checksums.
uint64_t RandomChecksumSeed();

// The name of the file whose first record has `first_offset`: 20 digits and ".log".
std::string SegmentFileName(uint64_t first_offset);

// The inverse of SegmentFileName(); none for any other name.
std::optional<uint64_t> ParseSegmentFileName(std::string_view name);

}  // namespace freshet

#endif  // FRESHET_SERVER_LOG_SEGMENT_H_
