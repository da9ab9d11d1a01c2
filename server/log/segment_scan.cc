#include "server/log/segment_scan.h"

#include <algorithm>
#include <memory>
#include <new>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

constexpr uint64_t kSectorBytes = 512;

bool AllZero(ByteSpan bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

// Whether a sector is missing (all zeros) in `bytes`, which begin at `position` in the file and end
// at the end of the file or at a good record. A sector in which a good record begins is not
// missing.
bool LacksSectors(ByteSpan bytes, uint64_t position, bool to_end_of_file) {
  for (uint64_t at = 0; at < bytes.size();) {
    const uint64_t sector_end = ((position + at) / kSectorBytes + 1) * kSectorBytes - position;
    if (sector_end > bytes.size() && !to_end_of_file) return false;
    const uint64_t end = std::min<uint64_t>(sector_end, bytes.size());
    if (AllZero(bytes.subspan(at, end - at))) return true;
    at = end;
  }
  return false;
}

// Whether a good record with a higher offset begins `at` bytes after the beginning of the one with
// `offset`.
bool LaterRecordBegins(ByteSpan bytes, uint64_t at, uint64_t offset, uint64_t checksum_seed) {
  bytes = bytes.subspan(at);
  if (bytes.size() < kRecordHeaderBytes) return false;
  const RecordHeader header = DecodeRecordHeader(bytes);
  // The second condition compares with the number of records that fit in between. It is cheap, and
  // rules out nearly all other bytes.
  return header.offset > offset && header.offset - offset <= at / kRecordHeaderBytes &&
         RecordBytes(header.payload_bytes) <= bytes.size() &&
         RecordHeaderHolds(bytes, checksum_seed) &&
         RecordChecksumHolds(bytes.first(RecordBytes(header.payload_bytes)), checksum_seed);
}

// Whether `bytes`, from a bad record to the end of the file, look like what a loss of power leaves.
// The bad record is the one at `damage.offset`.
bool LooksLikeLostPower(ByteSpan bytes, const SegmentDamage& damage, uint64_t checksum_seed) {
  uint64_t bad_bytes = bytes.size();
  uint64_t at = kRecordAlignment;
  while (at < bytes.size()) {
    if (!LaterRecordBegins(bytes, at, damage.offset, checksum_seed)) {
      at += kRecordAlignment;
      continue;
    }
    const RecordHeader header = DecodeRecordHeader(bytes.subspan(at));
    if (header.durable_offset > damage.offset) return false;
    bad_bytes = std::min(bad_bytes, at);
    at += RecordBytes(header.payload_bytes);
  }
  return LacksSectors(bytes.first(bad_bytes), damage.position, bad_bytes == bytes.size());
}

// Whether the file ends within a record whose header is good.
bool EndsWithinRecord(ByteSpan bytes, uint64_t offset, uint64_t checksum_seed) {
  if (bytes.size() < kRecordHeaderBytes) return true;
  const RecordHeader header = DecodeRecordHeader(bytes);
  return RecordHeaderHolds(bytes, checksum_seed) && header.offset == offset &&
         RecordBytes(header.payload_bytes) > bytes.size();
}

// A part of a file in memory.
struct FileBytes {
  std::unique_ptr<std::byte[]> memory;
  ByteSpan bytes;
};

// Reads the bytes from the damage that Next() has just found up to `end_bytes`.
absl::StatusOr<FileBytes> ReadFromDamage(const SegmentReader& reader, uint64_t end_bytes) {
  const uint64_t position = reader.damage()->position;
  const uint64_t size = end_bytes - position;
  FileBytes read{.memory = std::unique_ptr<std::byte[]>(new (std::nothrow) std::byte[size]),
                 .bytes = {}};
  if (read.memory == nullptr) {
    return absl::ResourceExhaustedError(
        StrCat(reader.path(), ": no memory for ", size, " bytes of the log"));
  }
  const absl::StatusOr<size_t> count = reader.file().ReadAt(position, {read.memory.get(), size});
  if (!count.ok()) return count.status();
  read.bytes = ByteSpan(read.memory.get(), *count);
  return read;
}

absl::StatusOr<bool> IsTorn(const SegmentReader& reader, uint64_t end_bytes) {
  const absl::StatusOr<FileBytes> rest = ReadFromDamage(reader, end_bytes);
  if (!rest.ok()) return rest.status();
  const SegmentDamage& damage = *reader.damage();
  const uint64_t seed = reader.header().checksum_seed;
  return EndsWithinRecord(rest->bytes, damage.offset, seed) ||
         LooksLikeLostPower(rest->bytes, damage, seed);
}

}  // namespace

absl::StatusOr<bool> SkipDamage(SegmentReader& reader, uint64_t end_bytes, uint64_t at_most) {
  const absl::StatusOr<FileBytes> rest = ReadFromDamage(reader, end_bytes);
  if (!rest.ok()) return rest.status();
  const ByteSpan bytes = rest->bytes;
  const SegmentDamage damage = *reader.damage();
  const uint64_t seed = reader.header().checksum_seed;
  for (uint64_t at = kRecordAlignment; at < bytes.size(); at += kRecordAlignment) {
    if (!LaterRecordBegins(bytes, at, damage.offset, seed)) continue;
    const uint64_t offset = DecodeRecordHeader(bytes.subspan(at)).offset;
    if (offset > at_most) return false;
    reader.Seek(damage.position + at, offset);
    return true;
  }
  if (damage.offset >= at_most || bytes.size() < kRecordHeaderBytes) return false;
  const RecordHeader header = DecodeRecordHeader(bytes);
  if (!RecordHeaderHolds(bytes, seed) || header.offset != damage.offset ||
      RecordBytes(header.payload_bytes) != bytes.size()) {
    return false;
  }
  reader.Seek(end_bytes, damage.offset + 1);
  return true;
}

absl::StatusOr<SegmentScan> ScanSegment(SegmentReader& reader, uint64_t end_bytes,
                                        uint64_t needed_from, const VisitRecord& visit) {
  SegmentScan scan;
  scan.file_bytes = end_bytes;
  while (true) {
    const absl::StatusOr<std::optional<LogRecord>> record = reader.Next(end_bytes);
    if (record.ok()) {
      if (!record->has_value()) break;
      ++scan.records;
      if (visit) visit(**record);
      continue;
    }
    if (!reader.damage().has_value()) return record.status();
    const SegmentDamage damage = *reader.damage();
    if (damage.offset >= needed_from) break;
    const absl::StatusOr<bool> skipped = SkipDamage(reader, end_bytes, needed_from);
    if (!skipped.ok()) return skipped.status();
    if (!*skipped) break;
    scan.gaps.push_back({.damage = damage, .next_offset = reader.offset()});
  }
  scan.next_offset = reader.offset();
  scan.good_bytes = reader.position();
  scan.damage = reader.damage();
  if (!scan.damage.has_value()) return scan;
  const absl::StatusOr<bool> torn = IsTorn(reader, end_bytes);
  if (!torn.ok()) return torn.status();
  scan.torn = *torn;
  return scan;
}

}  // namespace freshet
