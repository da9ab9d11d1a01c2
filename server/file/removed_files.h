// The folder for files that a repair removes. A repair never deletes anything that somebody may
// want back.

#ifndef FRESHET_SERVER_FILE_REMOVED_FILES_H_
#define FRESHET_SERVER_FILE_REMOVED_FILES_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/file/file_system.h"

namespace freshet {

// A folder `<root>/removed/<time>`, in which each file keeps its path relative to the root. It is
// created with the first file. Not thread-safe. Once a call has returned OK, its file is durable.
class RemovedFiles {
 public:
  // `root` is the folder that the paths of all files begin with. Keeps a reference to
  // `file_system`.
  RemovedFiles(FileSystem& file_system, std::string root, absl::Time now);

  // Moves a file or a folder here.
  absl::Status Move(const std::string& path);

  // Copies a file here; it stays where it is.
  absl::Status Copy(const std::string& path);

  const std::string& folder() const { return folder_; }

 private:
  // The path under folder() for `path`; creates the folders above it.
  absl::StatusOr<std::string> MakePlace(const std::string& path);

  FileSystem& file_system_;
  const std::string root_;
  std::string folder_;
};

// Copies the first `size_bytes` bytes of a file, or all of it if it is shorter, to a new file.
// Syncs the new file, but not its folder.
absl::Status CopyFile(FileSystem& file_system, const std::string& from, const std::string& to,
                      uint64_t size_bytes);

}  // namespace freshet

#endif  // FRESHET_SERVER_FILE_REMOVED_FILES_H_
