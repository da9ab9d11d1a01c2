// Reads and writes one snapshot file (see server/snapshot/FORMAT.md).

#ifndef FRESHET_SERVER_SNAPSHOT_SNAPSHOT_FILE_H_
#define FRESHET_SERVER_SNAPSHOT_SNAPSHOT_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "freshet/v1/snapshot_file.pb.h"
#include "server/file/file_system.h"

namespace freshet {

// A verified snapshot in memory.
class LoadedSnapshot {
 public:
  LoadedSnapshot(v1::SnapshotFileHeader header, std::unique_ptr<std::byte[]> bytes,
                 uint64_t size_bytes)
      : header_(std::move(header)), bytes_(std::move(bytes)), size_bytes_(size_bytes) {}

  const v1::SnapshotFileHeader& header() const { return header_; }
  // The state, in one piece.
  ByteSpan payload() const { return {bytes_.get(), size_bytes_}; }

 private:
  v1::SnapshotFileHeader header_;
  std::unique_ptr<std::byte[]> bytes_;
  uint64_t size_bytes_;
};

// Writes a snapshot to a new file and syncs it; the folder is the caller's. Returns the header with
// snapshot.size_bytes and file_checksum filled in. On failure the file may stand there in part.
absl::StatusOr<v1::SnapshotFileHeader> WriteSnapshotFile(FileSystem& file_system,
                                                         const std::string& path,
                                                         v1::SnapshotFileHeader header,
                                                         std::span<const ByteSpan> payload);

// Reads only the header, with snapshot.size_bytes and file_checksum filled in. DATA_LOSS where it
// or the file's length is damaged; FAILED_PRECONDITION where a newer version wrote it.
absl::StatusOr<v1::SnapshotFileHeader> ReadSnapshotFileHeader(FileSystem& file_system,
                                                              const std::string& path);

// Reads and verifies all of it. Memory is bounded by the size of the file, whatever it says.
absl::StatusOr<LoadedSnapshot> ReadSnapshotFile(FileSystem& file_system, const std::string& path);

}  // namespace freshet

#endif  // FRESHET_SERVER_SNAPSHOT_SNAPSHOT_FILE_H_
