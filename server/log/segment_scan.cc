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

// Whether sectors are missing in `bytes`, which stand in the file from `position` on, up to the end
// of the file or to a good record. The sector in which a good record begins is not missing.
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

// Whether a good record begins `at` bytes after the beginning of the one with `offset`, and later.
bool LaterRecordBegins(ByteSpan bytes, uint64_t at, uint64_t offset, uint64_t checksum_seed) {
  bytes = bytes.subspan(at);
  if (bytes.size() < kRecordHeaderBytes) return false;
  const RecordHeader header = DecodeRecordHeader(bytes);
  // There is not room for more records between the two; this is quick and rules out nearly all.
  return header.offset > offset && header.offset - offset <= at / kRecordHeaderBytes &&
         RecordBytes(header.payload_bytes) <= bytes.size() &&
         RecordHeaderHolds(bytes, checksum_seed) &&
         RecordChecksumHolds(bytes.first(RecordBytes(header.payload_bytes)), checksum_seed);
}

// Whether the bytes from a bad record on look like what a loss of power leaves. The record should
// have had `damage.offset`.
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

absl::StatusOr<bool> IsTorn(const SegmentReader& reader, uint64_t file_bytes) {
  const SegmentDamage& damage = *reader.damage();
  const uint64_t size = file_bytes - damage.position;
  const std::unique_ptr<std::byte[]> buffer(new (std::nothrow) std::byte[size]);
  if (buffer == nullptr) {
    return absl::ResourceExhaustedError(
        StrCat(reader.path(), ": no memory for ", size, " bytes of the log"));
  }
  const absl::StatusOr<size_t> count = reader.file().ReadAt(damage.position, {buffer.get(), size});
  if (!count.ok()) return count.status();
  const ByteSpan bytes(buffer.get(), *count);
  const uint64_t seed = reader.header().checksum_seed;
  return EndsWithinRecord(bytes, damage.offset, seed) || LooksLikeLostPower(bytes, damage, seed);
}

}  // namespace

absl::StatusOr<SegmentScan> ScanSegment(SegmentReader& reader,
                                        const std::function<void(const LogRecord&)>& visit) {
  const absl::StatusOr<uint64_t> file_bytes = reader.file().SizeBytes();
  if (!file_bytes.ok()) return file_bytes.status();
  SegmentScan scan;
  scan.file_bytes = *file_bytes;
  while (true) {
    const absl::StatusOr<std::optional<LogRecord>> record = reader.Next(*file_bytes);
    if (!record.ok() && !reader.damage().has_value()) return record.status();
    if (!record.ok() || !record->has_value()) break;
    ++scan.records;
    if (visit) visit(**record);
  }
  scan.next_offset = reader.offset();
  scan.good_bytes = reader.position();
  scan.damage = reader.damage();
  if (!scan.damage.has_value()) return scan;
  const absl::StatusOr<bool> torn = IsTorn(reader, *file_bytes);
  if (!torn.ok()) return torn.status();
  scan.torn = *torn;
  return scan;
}

absl::StatusOr<std::vector<uint64_t>> ListSegments(FileSystem& file_system,
                                                   const std::string& dir) {
  const absl::StatusOr<std::vector<DirEntry>> entries = file_system.ListDir(dir);
  if (!entries.ok()) return entries.status();
  std::vector<uint64_t> segments;
  for (const DirEntry& entry : *entries) {
    const std::optional<uint64_t> first_offset = ParseSegmentFileName(entry.name);
    if (first_offset.has_value() && !entry.is_directory) segments.push_back(*first_offset);
  }
  std::sort(segments.begin(), segments.end());
  return segments;
}

absl::Status CheckFollows(const std::string& path, const SegmentHeader& header,
                          uint64_t previous_first_offset, uint64_t previous_bytes) {
  if (header.previous_first_offset == previous_first_offset &&
      header.previous_bytes == previous_bytes) {
    return absl::OkStatus();
  }
  const std::string previous = SegmentFileName(previous_first_offset);
  const std::string reason =
      header.previous_first_offset == previous_first_offset
          ? StrCat(previous, " has ", previous_bytes, " bytes, not ", header.previous_bytes)
          : StrCat("it follows ", SegmentFileName(header.previous_first_offset), ", not ", previous,
                   "; a segment is missing");
  return SegmentDamageError(path, {.position = 0, .offset = header.first_offset, .reason = reason});
}

}  // namespace freshet
