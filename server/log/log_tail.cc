#include "server/log/log_tail.h"

#include <algorithm>
#include <array>
#include <new>
#include <span>

#include "core/base/str_cat.h"
#include "server/log/segment.h"

namespace freshet {
namespace {

constexpr uint64_t kCompareBytes = uint64_t{1} << 20;

}  // namespace

absl::StatusOr<LogTail> LogTail::Read(FileSystem& file_system, const std::string& path,
                                      SegmentEnd begin, SegmentEnd end, uint64_t seed) {
  const absl::StatusOr<std::unique_ptr<ReadFile>> file = file_system.OpenRead(path);
  if (!file.ok()) return file.status();
  const uint64_t size = end.bytes - begin.bytes;
  LogTail tail(begin, std::unique_ptr<std::byte[]>(new (std::nothrow) std::byte[size]));
  if (tail.bytes_ == nullptr) {
    return absl::ResourceExhaustedError(
        StrCat(path, ": no memory for the last ", size, " bytes of the log"));
  }
  const std::span<std::byte> bytes(tail.bytes_.get(), size);
  const absl::StatusOr<size_t> count = (*file)->ReadAt(begin.bytes, bytes);
  if (!count.ok()) return count.status();
  tail.FindEnd(bytes.first(*count), seed);
  return tail;
}

// Moves end_ to the end of the good records that `bytes` begin with.
void LogTail::FindEnd(ByteSpan bytes, uint64_t seed) {
  while (bytes.size() >= kRecordHeaderBytes && RecordHeaderHolds(bytes, seed)) {
    const RecordHeader header = DecodeRecordHeader(bytes);
    const uint64_t record_bytes = RecordBytes(header.payload_bytes);
    if (header.offset != end_.next_offset || record_bytes > bytes.size()) return;
    if (!RecordChecksumHolds(bytes.first(record_bytes), seed)) return;
    bytes = bytes.subspan(record_bytes);
    end_.bytes += record_bytes;
    ++end_.next_offset;
  }
}

absl::Status LogTail::Write(FileSystem& file_system, const std::string& path,
                            AppendFile& file) const {
  absl::Status status = file.Truncate(begin_.bytes);
  const std::array<ByteSpan, 1> pieces = {bytes()};
  if (status.ok()) status = file.Append(pieces);
  if (status.ok()) status = file.Sync();
  if (!status.ok()) return status;
  return CompareWithDisk(file_system, path);
}

absl::Status LogTail::CompareWithDisk(FileSystem& file_system, const std::string& path) const {
  const absl::StatusOr<std::unique_ptr<ReadFile>> file = file_system.OpenReadFromDisk(path);
  if (!file.ok()) return file.status();
  const std::unique_ptr<std::byte[]> buffer(new (std::nothrow) std::byte[kCompareBytes]);
  if (buffer == nullptr) {
    return absl::ResourceExhaustedError(StrCat(path, ": no memory to read the log back"));
  }
  uint64_t position = begin_.bytes;
  for (ByteSpan left = bytes(); !left.empty();) {
    const ByteSpan expected = left.first(std::min<uint64_t>(left.size(), kCompareBytes));
    const absl::StatusOr<size_t> count = (*file)->ReadAt(position, {buffer.get(), expected.size()});
    if (!count.ok()) return count.status();
    if (*count < expected.size() || !std::equal(expected.begin(), expected.end(), buffer.get())) {
      return absl::DataLossError(
          StrCat(path, ": the disk does not keep what is written after byte ", position));
    }
    position += expected.size();
    left = left.subspan(expected.size());
  }
  return absl::OkStatus();
}

}  // namespace freshet
