// Reads the records of one segment file in order, in large reads, and verifies each record.

#ifndef FRESHET_SERVER_LOG_SEGMENT_READER_H_
#define FRESHET_SERVER_LOG_SEGMENT_READER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/file/file_system.h"
#include "server/log/segment.h"

namespace freshet {

// A record that was read and verified.
struct LogRecord {
  uint64_t offset = 0;
  RecordKind kind{};
  ByteSpan payload;  // Owned by the reader; valid until it reads the next record.
};

// What is wrong with a segment, and where.
struct SegmentDamage {
  uint64_t position = 0;  // The byte at which the bad record begins.
  uint64_t offset = 0;    // The offset that the bad record should have.
  std::string reason;
};

// Not thread-safe.
class SegmentReader {
 public:
  // Opens a segment of the model `uid` and reads its header. DATA_LOSS and FAILED_PRECONDITION as
  // DecodeSegmentHeader(), with the file's name; also DATA_LOSS if the segment is another model's
  // or its file name does not match its first offset.
  static absl::StatusOr<std::unique_ptr<SegmentReader>> Open(FileSystem& file_system,
                                                             std::string path, uint64_t uid);
  // The same for a segment under a wrong file name, which must begin at `first_offset`.
  static absl::StatusOr<std::unique_ptr<SegmentReader>> OpenAs(FileSystem& file_system,
                                                               std::string path, uint64_t uid,
                                                               uint64_t first_offset);
  // As Open(), but reads from the disk itself; see FileSystem::OpenReadFromDisk().
  static absl::StatusOr<std::unique_ptr<SegmentReader>> OpenFromDisk(FileSystem& file_system,
                                                                     std::string path,
                                                                     uint64_t uid);

  // Continues at the record `offset`, which begins at byte `position`.
  void Seek(uint64_t position, uint64_t offset);

  // The record at position(), or none if position() is `end_bytes`. DATA_LOSS if the record is
  // damaged or goes beyond `end_bytes`; damage() then says what is wrong, and position() does not
  // change.
  absl::StatusOr<std::optional<LogRecord>> Next(uint64_t end_bytes);

  // The byte at which the next record begins.
  uint64_t position() const { return position_; }
  // The offset of the next record.
  uint64_t offset() const { return offset_; }
  const SegmentHeader& header() const { return header_; }
  const std::string& path() const { return path_; }
  const ReadFile& file() const { return *file_; }
  // All records below this were durable when the record that Next() returned last was written.
  uint64_t durable_offset() const { return durable_offset_; }
  // The damage, if the last Next() found any; none if it succeeded, or if reading itself failed.
  const std::optional<SegmentDamage>& damage() const { return damage_; }

 private:
  static absl::StatusOr<std::unique_ptr<SegmentReader>> Begin(
      std::string path, uint64_t uid, std::optional<uint64_t> first_offset,
      absl::StatusOr<std::unique_ptr<ReadFile>> file);
  SegmentReader(std::string path, std::unique_ptr<ReadFile> file, SegmentHeader header);

  absl::StatusOr<ByteSpan> Fetch(uint64_t bytes, uint64_t end_bytes);
  absl::Status Damaged(std::string reason);

  const std::string path_;
  const std::unique_ptr<ReadFile> file_;
  const SegmentHeader header_;
  uint64_t position_ = kSegmentHeaderBytes;
  uint64_t offset_;
  uint64_t durable_offset_ = 0;
  std::optional<SegmentDamage> damage_;

  // The bytes of the file from buffer_position_ on.
  std::unique_ptr<std::byte[]> buffer_;
  uint64_t buffer_capacity_ = 0;
  uint64_t buffer_position_ = 0;
  uint64_t buffer_bytes_ = 0;
};

// Why a segment with this header cannot be the one of the model `uid` that begins at
// `first_offset`; empty if it can be.
std::string ProblemOfPlace(const SegmentHeader& header, uint64_t uid,
                           std::optional<uint64_t> first_offset);

// DATA_LOSS with the file, the byte, the last good offset, and the command that names the way out.
absl::Status SegmentDamageError(const std::string& path, const SegmentDamage& damage);

}  // namespace freshet

#endif  // FRESHET_SERVER_LOG_SEGMENT_READER_H_
