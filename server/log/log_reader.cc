#include "server/log/log_reader.h"

#include <utility>

#include "core/base/str_cat.h"
#include "server/log/segment_scan.h"

namespace freshet {

absl::StatusOr<std::unique_ptr<LogReader>> LogReader::Open(FileSystem& file_system, std::string dir,
                                                           uint64_t uid,
                                                           std::shared_ptr<SegmentIndex> index,
                                                           uint64_t generation, uint64_t offset) {
  const SegmentEnd end = index->End();
  if (offset > end.next_offset) {
    return absl::NotFoundError(
        StrCat(dir, ": the log ends at offset ", end.next_offset, ", before ", offset));
  }
  const std::optional<SegmentInfo> segment = index->AddReader(offset);
  if (!segment.has_value()) {
    return absl::OutOfRangeError(StrCat(dir, ": the log keeps offsets ", index->first_offset(),
                                        " to ", index->next_offset(), ", not ", offset));
  }
  std::unique_ptr<LogReader> reader(
      new LogReader(file_system, std::move(dir), uid, std::move(index), *segment, generation));
  if (absl::Status status = reader->OpenSegment(*segment); !status.ok()) return status;
  const bool is_end = offset == end.next_offset && reader->offset_ < offset;
  const SegmentEnd place = is_end ? end : reader->index_->MarkBefore(offset, *segment);
  reader->reader_->Seek(place.bytes, place.next_offset);
  reader->offset_ = place.next_offset;
  if (absl::Status status = reader->SkipTo(offset); !status.ok()) return status;
  return reader;
}

// Skips the records below `offset`, damaged or not, since the caller did not ask for them.
absl::Status LogReader::SkipTo(uint64_t offset) {
  while (offset_ < offset) {
    const absl::StatusOr<std::optional<LogRecord>> record = Next();
    if (record.ok() && !record->has_value()) {
      return absl::AbortedError(StrCat(dir_, ": the log was cut while it was opened"));
    }
    if (record.ok()) continue;
    if (!absl::IsDataLoss(record.status()) || !reader_->damage().has_value()) {
      return record.status();
    }
    const absl::StatusOr<bool> skipped = SkipDamage(*reader_, segment_.size_bytes, offset);
    if (!skipped.ok()) return skipped.status();
    if (!*skipped) return record.status();
    offset_ = reader_->offset();
  }
  return absl::OkStatus();
}

LogReader::LogReader(FileSystem& file_system, std::string dir, uint64_t uid,
                     std::shared_ptr<SegmentIndex> index, SegmentInfo segment, uint64_t generation)
    : file_system_(file_system),
      dir_(std::move(dir)),
      uid_(uid),
      index_(std::move(index)),
      generation_(generation),
      segment_(segment),
      offset_(segment.first_offset) {}

LogReader::~LogReader() { index_->RemoveReader(segment_.first_offset); }

absl::Status LogReader::OpenSegment(const SegmentInfo& segment) {
  absl::StatusOr<std::unique_ptr<SegmentReader>> reader = SegmentReader::Open(
      file_system_, StrCat(dir_, "/", SegmentFileName(segment.first_offset)), uid_);
  if (!reader.ok()) return reader.status();
  if (segment.first_offset != segment_.first_offset) {
    index_->MoveReader(segment_.first_offset, segment.first_offset);
  }
  segment_ = segment;
  reader_ = *std::move(reader);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<LogRecord>> LogReader::Next() {
  absl::StatusOr<std::optional<LogRecord>> record = ReadNext();
  // Checked after reading, because what was read meanwhile may be wrong, and may even look like
  // damage.
  if (index_->generation() != generation_) {
    return absl::AbortedError(StrCat(
        dir_, ": the end of the log was written again since this reader was opened; open another"));
  }
  return record;
}

absl::StatusOr<std::optional<LogRecord>> LogReader::ReadNext() {
  while (reader_->position() >= segment_.size_bytes) {
    // Read before the segment, which therefore reaches at least this offset.
    const uint64_t next_offset = index_->next_offset();
    const std::optional<SegmentInfo> segment = index_->Find(offset_);
    if (!segment.has_value()) {
      return absl::AbortedError(StrCat(dir_, ": offset ", offset_, " is not in the log any more"));
    }
    const bool same = segment->first_offset == segment_.first_offset;
    const bool at_end = same && segment->size_bytes == segment_.size_bytes;
    if (at_end && offset_ >= next_offset) return std::optional<LogRecord>();
    if (at_end || (!same && segment->first_offset != offset_)) {
      return SegmentDamageError(reader_->path(),
                                {.position = reader_->position(),
                                 .offset = offset_,
                                 .reason = "it does not end where the next segment begins"});
    }
    if (same) {
      segment_ = *segment;
    } else if (absl::Status status = OpenSegment(*segment); !status.ok()) {
      return status;
    }
  }
  absl::StatusOr<std::optional<LogRecord>> record = reader_->Next(segment_.size_bytes);
  if (!record.ok()) return record;
  offset_ = reader_->offset();
  const uint64_t position = reader_->position();
  const bool is_far =
      position / SegmentIndex::kMarkBytes != marked_position_ / SegmentIndex::kMarkBytes;
  if (is_far && position < segment_.size_bytes) {
    index_->AddMark({.bytes = position, .next_offset = offset_}, generation_);
    marked_position_ = position;
  }
  return record;
}

}  // namespace freshet
