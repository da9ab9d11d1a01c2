// Which segments a log has, how far it has come, and which segments its readers still need: what
// the appending thread and the readers share.

#ifndef FRESHET_SERVER_LOG_SEGMENT_INDEX_H_
#define FRESHET_SERVER_LOG_SEGMENT_INDEX_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace freshet {

// One segment file. It ends where the next one begins.
struct SegmentInfo {
  uint64_t first_offset = 0;
  // Its whole records and its header; the file may be longer.
  uint64_t size_bytes = 0;
};

// A place in a segment file: behind its last record, or its last durable one.
struct SegmentEnd {
  uint64_t bytes = 0;
  uint64_t next_offset = 0;
};

// Thread-safe.
class SegmentIndex {
 public:
  // Adds a segment behind the others. REQUIRES: segment.first_offset == next_offset(), or there is
  // none yet.
  void AddSegment(SegmentInfo segment);

  // Replaces all segments by this one, which holds no record yet.
  void Restart(SegmentInfo segment);

  // Sets how far the last segment goes. Not back while there are readers; see AbortReaders().
  void SetEnd(uint64_t next_offset, uint64_t last_segment_bytes);
  // Readers that were opened before are of no use any more.
  void AbortReaders() { ++generation_; }

  // Takes the first segment out if it holds only records below `offset`, is not the last, and no
  // reader needs it.
  std::optional<SegmentInfo> TakeFirstBefore(uint64_t offset);
  // Puts back what TakeFirstBefore() took out.
  void PutBackFirst(SegmentInfo segment);

  // The segment that holds `offset`, or that will, where offset is next_offset(); none if the
  // offset is not kept. A reader that is there or before keeps it from being taken out.
  std::optional<SegmentInfo> Find(uint64_t offset) const;

  // Registers a reader at the beginning of the segment that holds `offset` and returns that
  // segment; none if Find() has none.
  std::optional<SegmentInfo> AddReader(uint64_t offset);
  // A registered reader, last at the segment which begins at `from`, goes on to the one at `to`.
  void MoveReader(uint64_t from, uint64_t to);
  void RemoveReader(uint64_t segment_first_offset);

  uint64_t first_offset() const;
  uint64_t next_offset() const;
  uint64_t size_bytes() const;
  SegmentInfo last() const;
  // Where the last segment ends.
  SegmentEnd End() const;
  // Rises with every AbortReaders() and Restart().
  uint64_t generation() const;

 private:
  std::optional<SegmentInfo> FindLocked(uint64_t offset) const ABSL_SHARED_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  std::deque<SegmentInfo> segments_ ABSL_GUARDED_BY(mu_);
  uint64_t next_offset_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t size_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  std::multiset<uint64_t> readers_ ABSL_GUARDED_BY(mu_);  // First offsets of their segments.
  std::atomic<uint64_t> generation_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_LOG_SEGMENT_INDEX_H_
