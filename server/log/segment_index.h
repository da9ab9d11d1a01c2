// Which segments a log has, where it ends, and which segments its readers still need. Shared by the
// appending thread and the readers.

#ifndef FRESHET_SERVER_LOG_SEGMENT_INDEX_H_
#define FRESHET_SERVER_LOG_SEGMENT_INDEX_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace freshet {

// One segment file. It ends where the next one begins.
struct SegmentInfo {
  uint64_t first_offset = 0;
  // The size of the header and all whole records; the file may be longer.
  uint64_t size_bytes = 0;
};

// The end of the last record, or of the last durable record, of a segment file.
struct SegmentEnd {
  uint64_t bytes = 0;
  uint64_t next_offset = 0;
};

// Thread-safe.
class SegmentIndex {
 public:
  // Adds a segment after the others. REQUIRES: segment.first_offset == next_offset(), or there are
  // no others.
  void AddSegment(SegmentInfo segment);

  // Replaces all segments by this one, which holds no record yet.
  void Restart(SegmentInfo segment);

  // Sets where the last segment ends. REQUIRES: not before the present end, unless AbortReaders()
  // was called first.
  void SetEnd(uint64_t next_offset, uint64_t last_segment_bytes);
  // The same after a record was appended at the present end, which End() knows.
  void Advance(uint64_t next_offset, uint64_t last_segment_bytes);
  // Ends the readers that were opened before, because the end of the log is about to be cut off.
  void AbortReaders();

  // Removes the first segment from the index if it holds only records below `offset`, is not the
  // last, and no reader needs it.
  std::optional<SegmentInfo> TakeFirstBefore(uint64_t offset);
  // Puts back what TakeFirstBefore() took out.
  void PutBackFirst(SegmentInfo segment);

  // The segment that holds `offset` or, for next_offset(), will hold it; none if the log does not
  // keep the offset. A reader in that segment or an earlier one keeps it from being removed.
  std::optional<SegmentInfo> Find(uint64_t offset) const;

  // Registers a reader at the beginning of the segment that holds `offset` and returns that
  // segment; none if Find() has none.
  std::optional<SegmentInfo> AddReader(uint64_t offset);
  // Moves a registered reader from the segment that begins at `from` to the one that begins at
  // `to`.
  void MoveReader(uint64_t from, uint64_t to);
  void RemoveReader(uint64_t segment_first_offset);

  // The last record up to `offset` whose place in the file of its segment is known; the beginning
  // of the segment if none is. Saves a reader the way through a whole segment. REQUIRES:
  // Find(offset) has a segment, which is `segment`.
  SegmentEnd MarkBefore(uint64_t offset, const SegmentInfo& segment) const;
  // Notes where a record begins that a reader of that generation came by.
  void AddMark(SegmentEnd mark, uint64_t generation);

  uint64_t first_offset() const;
  uint64_t next_offset() const;
  uint64_t size_bytes() const;
  SegmentInfo last() const;
  // The end of the last segment.
  SegmentEnd End() const;
  // Increases with every AbortReaders() and Restart().
  uint64_t generation() const;

  static constexpr uint64_t kMarkBytes = uint64_t{1} << 20;

 private:
  std::optional<SegmentInfo> FindLocked(uint64_t offset) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  void SetEndLocked(uint64_t next_offset, uint64_t last_segment_bytes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void AddMarkLocked(SegmentEnd mark) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  std::deque<SegmentInfo> segments_ ABSL_GUARDED_BY(mu_);
  uint64_t next_offset_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t size_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  std::multiset<uint64_t> readers_ ABSL_GUARDED_BY(mu_);  // First offsets of their segments.
  // Where records begin, in bytes of their segments' files, by offset; kMarkBytes apart or more.
  std::map<uint64_t, uint64_t> marks_ ABSL_GUARDED_BY(mu_);
  std::atomic<uint64_t> generation_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_LOG_SEGMENT_INDEX_H_
