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

// The folder that contains `path`; "." if `path` names no folder.
std::string ParentFolder(const std::string& path);

// What follows the last slash of `path`; a view of `path`.
std::string_view NameAtEnd(std::string_view path);

// Writes a file whole or not at all, even if the power fails: writes and syncs `path` with ".tmp"
// appended, renames it to `path`, and syncs the folder. Replaces an existing file.
absl::Status WriteFileAtomically(FileSystem& file_system, const std::string& path,
                                 std::string_view content);

// The whole content of a file. RESOURCE_EXHAUSTED if it is longer than `max_bytes`.
absl::StatusOr<std::string> ReadSmallFile(FileSystem& file_system, const std::string& path,
                                          uint64_t max_bytes = uint64_t{16} << 20);

}  // namespace freshet

#endif  // FRESHET_SERVER_FILE_SMALL_FILE_H_
