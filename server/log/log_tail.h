// The records at the end of a log that are not yet durable, in memory, while they are written anew.

#ifndef FRESHET_SERVER_LOG_LOG_TAIL_H_
#define FRESHET_SERVER_LOG_LOG_TAIL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/file/file_system.h"
#include "server/log/segment_index.h"

namespace freshet {

// After a failed sync the operating system shows the bytes and takes them for written; a second
// sync says OK without writing them. On ext4 even the same bytes, written there again, may not
// reach the disk: the failed attempt left the place marked as written in memory and as empty on
// disk. What is cut off and appended again gets a new place.
class LogTail {
 public:
  // Reads the records between `begin` and `end` as programs see them; those of them up to the first
  // that is not whole. `seed` is that of the segment's checksums. RESOURCE_EXHAUSTED where there is
  // no memory.
  static absl::StatusOr<LogTail> Read(FileSystem& file_system, const std::string& path,
                                      SegmentEnd begin, SegmentEnd end, uint64_t seed);

  // Cuts off what stands behind the begin of the tail, appends the tail, syncs it, and compares it
  // with what the disk has. After a failure some, all or none of it stands in the file: call it
  // again. `file` is the file at `path`. DATA_LOSS where the disk has something else.
  absl::Status Write(FileSystem& file_system, const std::string& path, AppendFile& file) const;

  // Behind its last record.
  SegmentEnd end() const { return end_; }

 private:
  LogTail(SegmentEnd begin, std::unique_ptr<std::byte[]> bytes)
      : begin_(begin), end_(begin), bytes_(std::move(bytes)) {}

  ByteSpan bytes() const { return {bytes_.get(), end_.bytes - begin_.bytes}; }
  void FindEnd(ByteSpan bytes, uint64_t seed);
  absl::Status CompareWithDisk(FileSystem& file_system, const std::string& path) const;

  SegmentEnd begin_;
  SegmentEnd end_;
  std::unique_ptr<std::byte[]> bytes_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_LOG_LOG_TAIL_H_
