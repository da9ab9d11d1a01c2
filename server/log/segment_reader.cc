#include "server/log/segment_reader.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <new>
#include <utility>

#include "core/base/str_cat.h"
#include "server/file/file_status.h"
#include "server/file/model_folder.h"
#include "server/file/small_file.h"

namespace freshet {
namespace {

constexpr uint64_t kReadBytes = uint64_t{1} << 20;

std::string UidText(uint64_t uid) {
  return uid == 0 ? std::string("without a uid") : StrCat("with the uid ", FormatUid(uid));
}

// The first offset in a file's name.
std::optional<uint64_t> NamedOffset(const std::string& path) {
  return ParseSegmentFileName(std::filesystem::path(path).filename().string());
}

}  // namespace

std::string ProblemOfPlace(const SegmentHeader& header, uint64_t uid,
                           std::optional<uint64_t> first_offset) {
  if (header.uid != uid) {
    return StrCat("it is a segment of a model ", UidText(header.uid),
                  ", and the log is of a model ", UidText(uid));
  }
  if (header.first_offset != first_offset) {
    return StrCat("the file begins at offset ", header.first_offset,
                  " but has another name; it should be called ",
                  SegmentFileName(header.first_offset));
  }
  return "";
}

absl::Status SegmentDamageError(const std::string& path, const SegmentDamage& damage) {
  const std::string good = damage.offset == 0
                               ? std::string("no record before it")
                               : StrCat("the last good record has offset ", damage.offset - 1);
  return absl::DataLossError(StrCat(path, ": the log is damaged at byte ", damage.position, ": ",
                                    damage.reason, "; ", good, ". 'freshetd check ",
                                    ParentFolder(ParentFolder(path)), "' names the way out"));
}

absl::StatusOr<std::unique_ptr<SegmentReader>> SegmentReader::Open(FileSystem& file_system,
                                                                   std::string path, uint64_t uid) {
  const std::optional<uint64_t> first_offset = NamedOffset(path);
  auto file = file_system.OpenRead(path);
  return Begin(std::move(path), uid, first_offset, std::move(file));
}

absl::StatusOr<std::unique_ptr<SegmentReader>> SegmentReader::OpenAs(FileSystem& file_system,
                                                                     std::string path, uint64_t uid,
                                                                     uint64_t first_offset) {
  auto file = file_system.OpenRead(path);
  return Begin(std::move(path), uid, first_offset, std::move(file));
}

absl::StatusOr<std::unique_ptr<SegmentReader>> SegmentReader::OpenFromDisk(FileSystem& file_system,
                                                                           std::string path,
                                                                           uint64_t uid) {
  const std::optional<uint64_t> first_offset = NamedOffset(path);
  auto file = file_system.OpenReadFromDisk(path);
  return Begin(std::move(path), uid, first_offset, std::move(file));
}

absl::StatusOr<std::unique_ptr<SegmentReader>> SegmentReader::Begin(
    std::string path, uint64_t uid, std::optional<uint64_t> first_offset,
    absl::StatusOr<std::unique_ptr<ReadFile>> file) {
  if (!file.ok()) return file.status();
  SegmentHeaderBytes bytes{};
  const absl::StatusOr<size_t> count = (*file)->ReadAt(0, bytes);
  if (!count.ok()) return count.status();
  const absl::StatusOr<SegmentHeader> header = DecodeSegmentHeader(ByteSpan(bytes).first(*count));
  if (!header.ok() && !absl::IsDataLoss(header.status())) {
    return WithContext(path, header.status());
  }
  std::string reason = header.ok() ? ProblemOfPlace(*header, uid, first_offset)
                                   : std::string(ToStd(header.status().message()));
  if (!reason.empty()) {
    return SegmentDamageError(
        path, {.position = 0, .offset = first_offset.value_or(0), .reason = std::move(reason)});
  }
  return std::unique_ptr<SegmentReader>(
      new SegmentReader(std::move(path), *std::move(file), *header));
}

SegmentReader::SegmentReader(std::string path, std::unique_ptr<ReadFile> file, SegmentHeader header)
    : path_(std::move(path)),
      file_(std::move(file)),
      header_(header),
      offset_(header.first_offset) {}

void SegmentReader::Seek(uint64_t position, uint64_t offset) {
  position_ = position;
  offset_ = offset;
  damage_.reset();
  buffer_bytes_ = 0;
}

absl::Status SegmentReader::Damaged(std::string reason) {
  damage_ = SegmentDamage{.position = position_, .offset = offset_, .reason = std::move(reason)};
  return SegmentDamageError(path_, *damage_);
}

// At least `bytes` bytes from position_ on, or fewer if the file ends earlier. Reads ahead, but not
// beyond `end_bytes`. REQUIRES: position_ + bytes <= end_bytes.
absl::StatusOr<ByteSpan> SegmentReader::Fetch(uint64_t bytes, uint64_t end_bytes) {
  uint64_t skipped = position_ - buffer_position_;
  if (position_ < buffer_position_ || skipped > buffer_bytes_) {
    buffer_bytes_ = 0;
    skipped = 0;
  }
  if (buffer_bytes_ - skipped < bytes) {
    const uint64_t kept = buffer_bytes_ - skipped;
    const uint64_t wanted = std::min(std::max(bytes, kReadBytes), end_bytes - position_);
    if (wanted > buffer_capacity_) {
      std::unique_ptr<std::byte[]> larger(new (std::nothrow) std::byte[wanted]);
      if (larger == nullptr) {
        return absl::ResourceExhaustedError(
            StrCat(path_, ": no memory for a record of ", bytes, " bytes"));
      }
      if (kept > 0) std::memcpy(larger.get(), buffer_.get() + skipped, kept);
      buffer_ = std::move(larger);
      buffer_capacity_ = wanted;
    } else if (kept > 0) {
      std::memmove(buffer_.get(), buffer_.get() + skipped, kept);
    }
    buffer_position_ = position_;
    buffer_bytes_ = kept;
    skipped = 0;
    const absl::StatusOr<size_t> count =
        file_->ReadAt(position_ + kept, {buffer_.get() + kept, wanted - kept});
    if (!count.ok()) return count.status();
    buffer_bytes_ += *count;
  }
  return ByteSpan(buffer_.get() + skipped, buffer_bytes_ - skipped);
}

absl::StatusOr<std::optional<LogRecord>> SegmentReader::Next(uint64_t end_bytes) {
  damage_.reset();
  if (position_ >= end_bytes) return std::optional<LogRecord>();
  const uint64_t left = end_bytes - position_;
  if (left < kRecordHeaderBytes) return Damaged("the file ends within a record");
  absl::StatusOr<ByteSpan> bytes = Fetch(kRecordHeaderBytes, end_bytes);
  if (!bytes.ok()) return bytes.status();
  if (bytes->size() < kRecordHeaderBytes) return Damaged("the file ends within a record");
  if (!RecordHeaderHolds(*bytes, header_.checksum_seed)) {
    return Damaged("there is no valid record header");
  }
  const RecordHeader header = DecodeRecordHeader(*bytes);
  if (header.offset != offset_) {
    return Damaged(StrCat("the record has offset ", header.offset, ", not ", offset_));
  }
  const uint64_t record_bytes = RecordBytes(header.payload_bytes);
  if (record_bytes > left) return Damaged("the file ends within a record");
  bytes = Fetch(record_bytes, end_bytes);
  if (!bytes.ok()) return bytes.status();
  if (bytes->size() < record_bytes) return Damaged("the file ends within a record");
  const ByteSpan record = bytes->first(record_bytes);
  if (!RecordChecksumHolds(record, header_.checksum_seed)) {
    return Damaged("the record's checksum does not match");
  }
  position_ += record_bytes;
  ++offset_;
  durable_offset_ = header.durable_offset;
  return LogRecord{.offset = header.offset,
                   .kind = header.kind,
                   .payload = record.subspan(kRecordHeaderBytes, header.payload_bytes)};
}

}  // namespace freshet
