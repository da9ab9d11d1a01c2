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

// A snapshot in memory whose checksums have been verified.
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

// Writes a snapshot to a new file and syncs the file; syncing the folder is up to the caller.
// Returns the header with snapshot.size_bytes and file_checksum filled in. On failure, part of the
// file may be left.
absl::StatusOr<v1::SnapshotFileHeader> WriteSnapshotFile(FileSystem& file_system,
                                                         const std::string& path,
                                                         v1::SnapshotFileHeader header,
                                                         std::span<const ByteSpan> payload);

// Reads only the header, and fills in snapshot.size_bytes and file_checksum. DATA_LOSS if the
// header is damaged or the file has a wrong length; FAILED_PRECONDITION if a newer version wrote
// it.
absl::StatusOr<v1::SnapshotFileHeader> ReadSnapshotFileHeader(FileSystem& file_system,
                                                              const std::string& path);

// Reads and verifies the whole file. Takes no more memory than the size of the file, whatever
// lengths it claims. Errors as ReadSnapshotFileHeader(); RESOURCE_EXHAUSTED if there is no memory
// for it.
absl::StatusOr<LoadedSnapshot> ReadSnapshotFile(FileSystem& file_system, const std::string& path);

}  // namespace freshet

#endif  // FRESHET_SERVER_SNAPSHOT_SNAPSHOT_FILE_H_
