// Files small enough to be read and written whole.

#ifndef FRESHET_SERVER_FILE_SMALL_FILE_H_
#define FRESHET_SERVER_FILE_SMALL_FILE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/file/file_system.h"

namespace freshet {

// The folder that a path stands in.
std::string ParentFolder(const std::string& path);

// Writes a file whole or not at all, also when the power goes: `path` with ".tmp" appended is
// written and synced, then renamed to `path`, and the folder is synced. Replaces a file that stands
// there.
absl::Status WriteFileAtomically(FileSystem& file_system, const std::string& path,
                                 std::string_view content);

// The whole content. RESOURCE_EXHAUSTED where the file is longer than `max_bytes`.
absl::StatusOr<std::string> ReadSmallFile(FileSystem& file_system, const std::string& path,
                                          uint64_t max_bytes = uint64_t{16} << 20);

}  // namespace freshet

#endif  // FRESHET_SERVER_FILE_SMALL_FILE_H_
