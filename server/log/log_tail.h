// The records at the end of a log that are not durable, kept in memory while they are written
// again.

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

// After a failed sync the operating system still shows the bytes, and counts them as written; a
// second sync returns OK without writing them. On ext4, even writing the same bytes over them may
// not reach the disk, because the failed attempt left their blocks marked as written in memory and
// as empty on disk. Bytes that are cut off and appended again get new blocks.
class LogTail {
 public:
  // Reads the records between `begin` and `end`, up to the first that is not whole, as the
  // operating system shows them, which may differ from what is on disk. `seed` is that of the
  // segment's checksums. RESOURCE_EXHAUSTED if there is no memory.
  static absl::StatusOr<LogTail> Read(FileSystem& file_system, const std::string& path,
                                      SegmentEnd begin, SegmentEnd end, uint64_t seed);

  // Cuts the file `file`, which is at `path`, off where the tail begins, appends the tail, syncs
  // it, and compares it with what the disk has. DATA_LOSS if the disk has something else. After a
  // failure the file may have all, some or none of the tail; the caller is to try again.
  absl::Status Write(FileSystem& file_system, const std::string& path, AppendFile& file) const;

  // The end of its last record.
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
