#include "server/log/log.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/str_cat.h"
#include "server/log/log_end.h"

namespace freshet {
namespace {

constexpr std::string_view kTemporarySuffix = ".tmp";

// Disk space is requested in steps that grow with the segment, so that an idle model takes little.
constexpr uint64_t kMinPreallocationBytes = uint64_t{256} << 10;
constexpr uint64_t kMaxPreallocationBytes = uint64_t{16} << 20;

// The most that one write holds, unless a single record is larger. Enough to keep the disk busy,
// and little enough that the bytes are still in a cache from computing the checksum when they are
// copied.
constexpr uint64_t kMaxWriteBytes = uint64_t{4} << 20;

uint64_t TotalBytes(std::span<const ByteSpan> pieces) {
  uint64_t bytes = 0;
  for (const ByteSpan& piece : pieces) bytes += piece.size();
  return bytes;
}

}  // namespace

Log::Log(FileSystem& file_system, std::string dir, LogOptions options)
    : file_system_(file_system),
      dir_(std::move(dir)),
      options_(options),
      index_(std::make_shared<SegmentIndex>()) {}

Log::~Log() {
  const absl::MutexLock lock(&mu_);
  // If this fails, the file just keeps the preallocated space.
  if (file_ != nullptr && distrust_.ok()) {
    file_->Truncate(index_->last().size_bytes).IgnoreError();
  }
}

std::string Log::PathOf(uint64_t first_offset) const {
  return StrCat(dir_, "/", SegmentFileName(first_offset));
}

// Creates an empty segment, durably. If this fails after the file got its name, the log is
// distrusted: the segment may be there, so nothing may be appended to the one before it.
absl::StatusOr<std::shared_ptr<AppendFile>> Log::CreateSegment(const SegmentHeader& header) {
  const std::string path = PathOf(header.first_offset);
  const std::string temporary = StrCat(path, kTemporarySuffix);
  absl::Status status = file_system_.Unlink(temporary);
  if (!status.ok() && !absl::IsNotFound(status)) return status;
  absl::StatusOr<std::unique_ptr<AppendFile>> file =
      file_system_.OpenAppend(temporary, AppendMode::kCreate);
  if (!file.ok()) return file.status();
  const SegmentHeaderBytes bytes = EncodeSegmentHeader(header);
  const std::array<ByteSpan, 1> pieces = {ByteSpan(bytes)};
  status = (*file)->Append(pieces);
  if (status.ok()) status = (*file)->Sync();
  if (status.ok()) status = file_system_.Rename(temporary, path);
  if (!status.ok()) {
    file_system_.Unlink(temporary).IgnoreError();
    return status;
  }
  status = file_system_.SyncDir(dir_);
  // Opened again by its final name.
  if (status.ok()) {
    file = file_system_.OpenAppend(path, AppendMode::kExisting);
    status = file.status();
  }
  if (!status.ok()) {
    const absl::MutexLock lock(&mu_);
    Distrust(status, index_->next_offset());
    return status;
  }
  return std::shared_ptr<AppendFile>(*std::move(file));
}

// If the file END cannot be written, the log is distrusted, since END would not tell of a segment
// that was just created.
absl::Status Log::WriteEnd(uint64_t segment, uint64_t next_offset) {
  absl::Status status = WriteLogEnd(file_system_, dir_, options_.uid,
                                    {.segment = segment, .next_offset = next_offset});
  if (status.ok()) return status;
  const absl::MutexLock lock(&mu_);
  Distrust(status, index_->next_offset());
  return status;
}

absl::Status Log::Rotate() {
  const SegmentInfo last = index_->last();
  std::shared_ptr<AppendFile> old_file;
  {
    const absl::MutexLock lock(&mu_);
    old_file = file_;
  }
  // Releases preallocated space that was not used; nothing depends on that.
  old_file->Truncate(last.size_bytes).IgnoreError();
  if (absl::Status status = SyncFile(std::nullopt); !status.ok()) return status;
  const SegmentHeader header{.first_offset = index_->next_offset(),
                             .checksum_seed = RandomChecksumSeed(),
                             .previous_first_offset = last.first_offset,
                             .previous_bytes = last.size_bytes,
                             .uid = options_.uid};
  absl::StatusOr<std::shared_ptr<AppendFile>> file = CreateSegment(header);
  if (!file.ok()) return file.status();
  // Before the segment's first record, because without END nobody would notice the segment's loss.
  if (absl::Status status = WriteEnd(header.first_offset, header.first_offset); !status.ok()) {
    return status;
  }
  header_ = header;
  preallocated_bytes_ = kSegmentHeaderBytes;
  const absl::MutexLock lock(&mu_);
  index_->AddSegment({.first_offset = header.first_offset, .size_bytes = kSegmentHeaderBytes});
  file_ = *std::move(file);
  durable_ = {.bytes = kSegmentHeaderBytes, .next_offset = header.first_offset};
  return absl::OkStatus();
}

// Begins a new segment or requests disk space, as the first record requires. Returns how many of
// the records go into the last segment in one write; at least one.
absl::StatusOr<size_t> Log::MakeRoom(std::span<const NewRecord> records) {
  SegmentInfo last = index_->last();
  uint64_t bytes = RecordBytes(TotalBytes(records.front().payload));
  const bool has_records = last.size_bytes > kSegmentHeaderBytes;
  if (has_records && last.size_bytes + bytes > options_.segment_bytes) {
    if (absl::Status status = Rotate(); !status.ok()) return status;
    last = index_->last();
  }
  size_t count = 1;
  for (; count < records.size(); ++count) {
    const uint64_t more = bytes + RecordBytes(TotalBytes(records[count].payload));
    if (more > kMaxWriteBytes || last.size_bytes + more > options_.segment_bytes) break;
    bytes = more;
  }
  const uint64_t end = last.size_bytes + bytes;
  if (end <= preallocated_bytes_) return count;
  std::shared_ptr<AppendFile> file;
  {
    const absl::MutexLock lock(&mu_);
    file = file_;
  }
  const uint64_t left = std::max(end, options_.segment_bytes) - end;
  const uint64_t step =
      std::min(left, std::clamp(end, kMinPreallocationBytes, kMaxPreallocationBytes));
  // If the disk is full, the write itself will say so.
  file->Preallocate(bytes + step).IgnoreError();
  preallocated_bytes_ = end + step;
  return count;
}

// Cuts off the bytes of a record that could not be written whole.
void Log::TakeBack(AppendFile& file, uint64_t size_bytes, const absl::Status& cause) {
  preallocated_bytes_ = 0;
  absl::Status status = file.Truncate(size_bytes);
  // Synced, so that after a loss of power the bytes do not reappear after later records.
  if (status.ok()) status = SyncFile(std::nullopt);
  if (status.ok()) return;
  const absl::MutexLock lock(&mu_);
  Distrust(cause, index_->next_offset());
}

// Appends the records in one write, or none of them.
absl::Status Log::AppendToSegment(std::span<const NewRecord> records, bool sync_follows) {
  RecordHeader header{.offset = index_->next_offset()};
  std::shared_ptr<AppendFile> file;
  {
    const absl::MutexLock lock(&mu_);
    file = file_;
    header.durable_offset = durable_.next_offset;
  }
  headers_.clear();
  headers_.reserve(records.size());  // The pieces refer to them.
  pieces_.clear();
  for (const NewRecord& record : records) {
    const uint64_t payload_bytes = TotalBytes(record.payload);
    header.payload_bytes = static_cast<uint32_t>(payload_bytes);
    header.kind = record.kind;
    headers_.push_back(EncodeRecordHeader(header, record.payload, header_.checksum_seed));
    pieces_.emplace_back(headers_.back());
    pieces_.insert(pieces_.end(), record.payload.begin(), record.payload.end());
    pieces_.push_back(RecordPadding(payload_bytes));
    ++header.offset;
  }
  const uint64_t size_before = file->size_bytes();
  absl::Status status = sync_follows ? file->AppendDirect(pieces_) : file->Append(pieces_);
  if (!status.ok()) {
    TakeBack(*file, size_before, status);
    return status;
  }
  index_->Advance(header.offset, file->size_bytes());
  return absl::OkStatus();
}

absl::Status Log::Append(std::span<const NewRecord> records, bool sync_follows) {
  for (const NewRecord& record : records) {
    const uint64_t payload_bytes = TotalBytes(record.payload);
    if (payload_bytes <= kMaxPayloadBytes && record.kind != RecordKind{}) continue;
    return absl::InvalidArgumentError(
        StrCat("a record of kind ", static_cast<int>(record.kind), " and ", payload_bytes,
               " bytes cannot be logged; at most ", kMaxPayloadBytes, " bytes can"));
  }
  {
    const absl::MutexLock lock(&mu_);
    if (!distrust_.ok()) return FailureLocked();
  }
  while (!records.empty()) {
    const absl::StatusOr<size_t> count = MakeRoom(records);
    if (!count.ok()) return count.status();
    absl::Status status = AppendToSegment(records.first(*count), sync_follows);
    if (!status.ok()) return status;
    records = records.subspan(*count);
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> Log::Append(RecordKind kind, std::span<const ByteSpan> payload) {
  const uint64_t offset = index_->next_offset();
  const NewRecord record{.kind = kind, .payload = {payload.begin(), payload.end()}};
  absl::Status status = Append({&record, 1}, /*sync_follows=*/false);
  if (!status.ok()) return status;
  return offset;
}

absl::Status Log::SkipTo(uint64_t offset) {
  {
    const absl::MutexLock lock(&mu_);
    if (!distrust_.ok()) return FailureLocked();
  }
  if (offset < index_->next_offset()) {
    return absl::InvalidArgumentError(StrCat(dir_, ": cannot skip back to offset ", offset,
                                             "; the log goes on at ", index_->next_offset()));
  }
  if (index_->first_offset() == offset) return absl::OkStatus();
  const SegmentHeader header = FirstSegmentHeader(offset, options_.uid);
  absl::StatusOr<std::shared_ptr<AppendFile>> file = CreateSegment(header);
  if (!file.ok()) return file.status();
  if (absl::Status status = WriteEnd(offset, offset); !status.ok()) return status;
  header_ = header;
  preallocated_bytes_ = kSegmentHeaderBytes;
  {
    const absl::MutexLock lock(&mu_);
    index_->Restart({.first_offset = offset, .size_bytes = kSegmentHeaderBytes});
    file_ = *std::move(file);
    durable_ = {.bytes = kSegmentHeaderBytes, .next_offset = offset};
  }
  // What cannot be removed now is removed the next time the log is opened.
  const absl::StatusOr<LogSurvey> survey = SurveyLog(file_system_, dir_, options_.uid);
  if (survey.ok()) RemoveObsolete(survey->obsolete).IgnoreError();
  return absl::OkStatus();
}

// Whether the first segment is to be removed if nobody needs it.
absl::StatusOr<bool> Log::FirstExceeds(const Retention& retention, absl::Time now) const {
  if (index_->size_bytes() > retention.max_bytes) return true;
  absl::StatusOr<absl::Time> written =
      file_system_.ModificationTime(PathOf(index_->first_offset()));
  if (!written.ok()) return written.status();
  return now - *written >= retention.max_age;
}

absl::Status Log::DropBefore(uint64_t offset, const Retention& retention, absl::Time now) {
  while (true) {
    const absl::StatusOr<bool> exceeds = FirstExceeds(retention, now);
    if (!exceeds.ok()) return exceeds.status();
    if (!*exceeds) return absl::OkStatus();
    const std::optional<SegmentInfo> segment = index_->TakeFirstBefore(offset);
    if (!segment) return absl::OkStatus();
    absl::Status status = file_system_.Unlink(PathOf(segment->first_offset));
    if (!status.ok() && !absl::IsNotFound(status)) {
      index_->PutBackFirst(*segment);
      return status;
    }
    // Synced before the next one is removed, so that a loss of power does not leave a gap.
    status = file_system_.SyncDir(dir_);
    if (!status.ok()) return status;
  }
}

absl::StatusOr<std::unique_ptr<LogReader>> Log::NewReader(uint64_t offset) {
  uint64_t generation;
  {
    const absl::MutexLock lock(&mu_);
    if (!distrust_.ok()) return FailureLocked();
    // Read while the log is trusted, so that a Recover() that starts later ends the reader.
    generation = index_->generation();
  }
  return LogReader::Open(file_system_, dir_, options_.uid, index_, generation, offset);
}

uint64_t Log::first_offset() const { return index_->first_offset(); }
uint64_t Log::next_offset() const { return index_->next_offset(); }
uint64_t Log::size_bytes() const { return index_->size_bytes(); }

uint64_t Log::safe_offset() const {
  const absl::MutexLock lock(&mu_);
  return distrust_.ok() ? index_->next_offset() : distrusted_safe_offset_;
}

uint64_t Log::durable_offset() const {
  const absl::MutexLock lock(&mu_);
  return durable_.next_offset;
}

}  // namespace freshet
