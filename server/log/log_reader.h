// Reads a log's records in order, while others may append to it.

#ifndef FRESHET_SERVER_LOG_LOG_READER_H_
#define FRESHET_SERVER_LOG_LOG_READER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/file/file_system.h"
#include "server/log/segment_index.h"
#include "server/log/segment_reader.h"

namespace freshet {

// Keeps the segments from its position on from being removed. Not thread-safe itself, but any
// number of readers may read while the log is appended to.
class LogReader {
 public:
  // For Log::NewReader(). `uid` is the model's; the reader ends once the index has another
  // generation than `generation`. OUT_OF_RANGE if the log has dropped `offset`, NOT_FOUND if it
  // has not come to it yet.
  static absl::StatusOr<std::unique_ptr<LogReader>> Open(FileSystem& file_system, std::string dir,
                                                         uint64_t uid,
                                                         std::shared_ptr<SegmentIndex> index,
                                                         uint64_t generation, uint64_t offset);
  ~LogReader();
  LogReader(const LogReader&) = delete;
  LogReader& operator=(const LogReader&) = delete;

  // The next record, or none at the end of the log; call again once more was appended. The payload
  // is valid until the next call. Verifies every checksum. DATA_LOSS for a damaged record or a gap,
  // with the file, the byte, the last good offset and where to find the way out. ABORTED once
  // Log::Recover() writes the end of the log again, or Log::SkipTo() was called: open another
  // reader then.
  absl::StatusOr<std::optional<LogRecord>> Next();

  // The offset of the record that Next() returns next.
  uint64_t offset() const { return offset_; }

 private:
  LogReader(FileSystem& file_system, std::string dir, uint64_t uid,
            std::shared_ptr<SegmentIndex> index, SegmentInfo segment, uint64_t generation);

  absl::Status SkipTo(uint64_t offset);
  absl::StatusOr<std::optional<LogRecord>> ReadNext();
  absl::Status OpenSegment(const SegmentInfo& segment);

  FileSystem& file_system_;
  const std::string dir_;
  const uint64_t uid_;
  const std::shared_ptr<SegmentIndex> index_;
  const uint64_t generation_;
  SegmentInfo segment_;
  std::unique_ptr<SegmentReader> reader_;
  uint64_t offset_ = 0;
  uint64_t marked_position_ = 0;  // Where the index was last told of a record.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_LOG_LOG_READER_H_
