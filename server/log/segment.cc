#include "server/log/segment.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <random>

#include "absl/strings/str_format.h"
#include "core/base/str_cat.h"
#include "server/file/checksum.h"

namespace freshet {
namespace {

constexpr std::string_view kMagic = "FRSHTLOG";
constexpr std::string_view kSegmentSuffix = ".log";
constexpr size_t kNameDigits = 20;
// Far more records than any log can have, so that adding to an offset below this cannot overflow.
constexpr uint64_t kMaxFirstOffset = uint64_t{1} << 62;

// All fields are little-endian and naturally aligned, so these structs are the bytes of the file.
struct StoredSegmentHeader {
  std::array<char, 8> magic;
  uint32_t version;
  uint32_t header_bytes;
  uint64_t first_offset;
  uint64_t checksum_seed;
  uint64_t previous_first_offset;
  uint64_t previous_bytes;
  uint64_t uid;
  uint64_t checksum;
};
static_assert(sizeof(StoredSegmentHeader) == kSegmentHeaderBytes);

struct StoredRecordHeader {
  uint64_t checksum;
  uint64_t offset;
  uint64_t durable_offset;
  uint32_t payload_bytes;
  uint16_t kind;
  uint16_t check;
};
static_assert(sizeof(StoredRecordHeader) == kRecordHeaderBytes);

constexpr size_t kCheckedBegin = offsetof(StoredRecordHeader, offset);
constexpr size_t kCheckedEnd = offsetof(StoredRecordHeader, check);
constexpr std::array<std::byte, kRecordAlignment> kZeros{};

// For a header that claims a newer version: whether the checksum matches once the version is
// replaced by ours. Then the version field was damaged.
bool IsVersionDamaged(StoredSegmentHeader stored) {
  stored.version = kSegmentVersion;
  const ByteSpan checked = BytesOf(stored).first(offsetof(StoredSegmentHeader, checksum));
  return Checksum(checked) == stored.checksum;
}

uint16_t HeaderCheck(ByteSpan header, uint64_t seed) {
  const ByteSpan checked = header.subspan(kCheckedBegin, kCheckedEnd - kCheckedBegin);
  return static_cast<uint16_t>(Checksum(checked, seed));
}

StoredRecordHeader LoadRecordHeader(ByteSpan bytes) {
  StoredRecordHeader stored{};
  std::memcpy(&stored, bytes.data(), sizeof(stored));
  return stored;
}

}  // namespace

SegmentHeader FirstSegmentHeader(uint64_t first_offset, uint64_t uid) {
  SegmentHeader header;
  header.first_offset = first_offset;
  header.checksum_seed = RandomChecksumSeed();
  header.uid = uid;
  return header;
}

SegmentHeaderBytes EncodeSegmentHeader(const SegmentHeader& header) {
  StoredSegmentHeader stored{.magic = {},
                             .version = kSegmentVersion,
                             .header_bytes = kSegmentHeaderBytes,
                             .first_offset = header.first_offset,
                             .checksum_seed = header.checksum_seed,
                             .previous_first_offset = header.previous_first_offset,
                             .previous_bytes = header.previous_bytes,
                             .uid = header.uid,
                             .checksum = 0};
  std::copy(kMagic.begin(), kMagic.end(), stored.magic.begin());
  stored.checksum = Checksum(BytesOf(stored).first(offsetof(StoredSegmentHeader, checksum)));
  SegmentHeaderBytes bytes{};
  std::memcpy(bytes.data(), &stored, sizeof(stored));
  return bytes;
}

absl::StatusOr<SegmentHeader> DecodeSegmentHeader(ByteSpan bytes) {
  StoredSegmentHeader stored{};
  if (bytes.size() < sizeof(stored)) {
    return absl::DataLossError(StrCat("it has only ", bytes.size(), " bytes"));
  }
  std::memcpy(&stored, bytes.data(), sizeof(stored));
  if (std::string_view(stored.magic.data(), stored.magic.size()) != kMagic) {
    return absl::DataLossError("it does not begin like a log segment");
  }
  if (stored.version > kSegmentVersion && !IsVersionDamaged(stored)) {
    return absl::FailedPreconditionError(StrCat(
        "a newer freshet wrote this log (version ", stored.version,
        " of the format, this freshet reads up to ", kSegmentVersion, "); start that version"));
  }
  const ByteSpan checked = BytesOf(stored).first(offsetof(StoredSegmentHeader, checksum));
  if (Checksum(checked) != stored.checksum) {
    return absl::DataLossError("the checksum of its header does not match");
  }
  if (stored.version == 0 || stored.header_bytes != kSegmentHeaderBytes ||
      stored.first_offset > kMaxFirstOffset) {
    return absl::DataLossError("its header has impossible numbers");
  }
  return SegmentHeader{.first_offset = stored.first_offset,
                       .checksum_seed = stored.checksum_seed,
                       .previous_first_offset = stored.previous_first_offset,
                       .previous_bytes = stored.previous_bytes,
                       .uid = stored.uid};
}

RecordHeaderBytes EncodeRecordHeader(const RecordHeader& header, std::span<const ByteSpan> payload,
                                     uint64_t checksum_seed) {
  StoredRecordHeader stored{.checksum = 0,
                            .offset = header.offset,
                            .durable_offset = header.durable_offset,
                            .payload_bytes = header.payload_bytes,
                            .kind = static_cast<uint16_t>(header.kind),
                            .check = 0};
  stored.check = HeaderCheck(BytesOf(stored), checksum_seed);
  Checksummer checksum(checksum_seed);
  checksum.Add(BytesOf(stored).subspan(kCheckedBegin));
  for (const ByteSpan& piece : payload) checksum.Add(piece);
  checksum.Add(RecordPadding(header.payload_bytes));
  stored.checksum = checksum.value();
  RecordHeaderBytes bytes{};
  std::memcpy(bytes.data(), &stored, sizeof(stored));
  return bytes;
}

RecordHeader DecodeRecordHeader(ByteSpan bytes) {
  const StoredRecordHeader stored = LoadRecordHeader(bytes);
  return {.offset = stored.offset,
          .durable_offset = stored.durable_offset,
          .payload_bytes = stored.payload_bytes,
          .kind = static_cast<RecordKind>(stored.kind)};
}

bool RecordHeaderHolds(ByteSpan bytes, uint64_t checksum_seed) {
  const StoredRecordHeader stored = LoadRecordHeader(bytes);
  return stored.kind != 0 && stored.payload_bytes <= kMaxPayloadBytes &&
         stored.check == HeaderCheck(bytes, checksum_seed);
}

bool RecordChecksumHolds(ByteSpan record, uint64_t checksum_seed) {
  return LoadRecordHeader(record).checksum ==
         Checksum(record.subspan(kCheckedBegin), checksum_seed);
}

ByteSpan RecordPadding(uint64_t payload_bytes) {
  return ByteSpan(kZeros).first(RecordBytes(payload_bytes) - kRecordHeaderBytes - payload_bytes);
}

uint64_t RandomChecksumSeed() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

std::string SegmentFileName(uint64_t first_offset) {
  return absl::StrFormat("%020d.log", first_offset);
}

std::optional<uint64_t> ParseSegmentFileName(std::string_view name) {
  if (name.size() != kNameDigits + kSegmentSuffix.size() || !name.ends_with(kSegmentSuffix)) {
    return std::nullopt;
  }
  uint64_t first_offset = 0;
  const char* end = name.data() + kNameDigits;
  const auto [stop, error] = std::from_chars(name.data(), end, first_offset);
  if (error != std::errc() || stop != end) return std::nullopt;
  return first_offset;
}

}  // namespace freshet
