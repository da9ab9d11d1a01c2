#include "server/log/segment_index.h"

#include <algorithm>
#include <iterator>

#include "server/log/segment.h"

namespace freshet {

void SegmentIndex::AddSegment(SegmentInfo segment) {
  const absl::MutexLock lock(&mu_);
  if (segments_.empty()) next_offset_ = segment.first_offset;
  size_bytes_ += segment.size_bytes;
  segments_.push_back(segment);
}

void SegmentIndex::Restart(SegmentInfo segment) {
  const absl::MutexLock lock(&mu_);
  segments_.assign(1, segment);
  marks_.clear();
  next_offset_ = segment.first_offset;
  size_bytes_ = segment.size_bytes;
  ++generation_;
}

void SegmentIndex::SetEnd(uint64_t next_offset, uint64_t last_segment_bytes) {
  const absl::MutexLock lock(&mu_);
  SetEndLocked(next_offset, last_segment_bytes);
}

void SegmentIndex::Advance(uint64_t next_offset, uint64_t last_segment_bytes) {
  const absl::MutexLock lock(&mu_);
  AddMarkLocked({.bytes = segments_.back().size_bytes, .next_offset = next_offset_});
  SetEndLocked(next_offset, last_segment_bytes);
}

void SegmentIndex::SetEndLocked(uint64_t next_offset, uint64_t last_segment_bytes) {
  size_bytes_ = size_bytes_ - segments_.back().size_bytes + last_segment_bytes;
  segments_.back().size_bytes = last_segment_bytes;
  next_offset_ = next_offset;
}

void SegmentIndex::AbortReaders() {
  const absl::MutexLock lock(&mu_);
  ++generation_;
  marks_.erase(marks_.lower_bound(segments_.back().first_offset), marks_.end());
}

std::optional<SegmentInfo> SegmentIndex::TakeFirstBefore(uint64_t offset) {
  const absl::MutexLock lock(&mu_);
  if (segments_.size() < 2 || segments_[1].first_offset > offset) return std::nullopt;
  const SegmentInfo first = segments_.front();
  if (!readers_.empty() && *readers_.begin() <= first.first_offset) return std::nullopt;
  segments_.pop_front();
  size_bytes_ -= first.size_bytes;
  marks_.erase(marks_.begin(), marks_.lower_bound(segments_.front().first_offset));
  return first;
}

void SegmentIndex::PutBackFirst(SegmentInfo segment) {
  const absl::MutexLock lock(&mu_);
  segments_.push_front(segment);
  size_bytes_ += segment.size_bytes;
}

std::optional<SegmentInfo> SegmentIndex::FindLocked(uint64_t offset) const {
  if (segments_.empty() || offset < segments_.front().first_offset || offset > next_offset_) {
    return std::nullopt;
  }
  const auto after = std::upper_bound(
      segments_.begin(), segments_.end(), offset,
      [](uint64_t value, const SegmentInfo& segment) { return value < segment.first_offset; });
  return *std::prev(after);
}

std::optional<SegmentInfo> SegmentIndex::Find(uint64_t offset) const {
  const absl::MutexLock lock(&mu_);
  return FindLocked(offset);
}

std::optional<SegmentInfo> SegmentIndex::AddReader(uint64_t offset) {
  const absl::MutexLock lock(&mu_);
  const std::optional<SegmentInfo> segment = FindLocked(offset);
  if (segment.has_value()) readers_.insert(segment->first_offset);
  return segment;
}

void SegmentIndex::MoveReader(uint64_t from, uint64_t to) {
  const absl::MutexLock lock(&mu_);
  readers_.erase(readers_.find(from));
  readers_.insert(to);
}

void SegmentIndex::RemoveReader(uint64_t segment_first_offset) {
  const absl::MutexLock lock(&mu_);
  readers_.erase(readers_.find(segment_first_offset));
}

SegmentEnd SegmentIndex::MarkBefore(uint64_t offset, const SegmentInfo& segment) const {
  const absl::MutexLock lock(&mu_);
  const auto after = marks_.upper_bound(offset);
  if (after == marks_.begin() || std::prev(after)->first < segment.first_offset) {
    return {.bytes = kSegmentHeaderBytes, .next_offset = segment.first_offset};
  }
  return {.bytes = std::prev(after)->second, .next_offset = std::prev(after)->first};
}

void SegmentIndex::AddMark(SegmentEnd mark, uint64_t generation) {
  const absl::MutexLock lock(&mu_);
  if (generation == generation_) AddMarkLocked(mark);
}

void SegmentIndex::AddMarkLocked(SegmentEnd mark) {
  const std::optional<SegmentInfo> segment = FindLocked(mark.next_offset);
  if (!segment.has_value()) return;
  const auto after = marks_.upper_bound(mark.next_offset);
  uint64_t before_bytes = kSegmentHeaderBytes;
  if (after != marks_.begin() && std::prev(after)->first >= segment->first_offset) {
    before_bytes = std::prev(after)->second;
  }
  if (mark.bytes >= before_bytes + kMarkBytes) marks_[mark.next_offset] = mark.bytes;
}

uint64_t SegmentIndex::first_offset() const {
  const absl::MutexLock lock(&mu_);
  return segments_.front().first_offset;
}

uint64_t SegmentIndex::next_offset() const {
  const absl::MutexLock lock(&mu_);
  return next_offset_;
}

uint64_t SegmentIndex::size_bytes() const {
  const absl::MutexLock lock(&mu_);
  return size_bytes_;
}

SegmentInfo SegmentIndex::last() const {
  const absl::MutexLock lock(&mu_);
  return segments_.back();
}

SegmentEnd SegmentIndex::End() const {
  const absl::MutexLock lock(&mu_);
  return {.bytes = segments_.back().size_bytes, .next_offset = next_offset_};
}

uint64_t SegmentIndex::generation() const { return generation_.load(); }

}  // namespace freshet
