// Makes a Status from an errno, with the codes that file_system.h lists.

#ifndef FRESHET_SERVER_FILE_FILE_STATUS_H_
#define FRESHET_SERVER_FILE_FILE_STATUS_H_

#include <string_view>

#include "absl/status/status.h"

namespace freshet {

// For example FileError("/data/LOCK", "open", EACCES):
// PERMISSION_DENIED "/data/LOCK: cannot open: Permission denied".
absl::Status FileError(std::string_view path, std::string_view operation, int error_number);

// The same for an operation that reads.
absl::Status FileReadError(std::string_view path, std::string_view operation, int error_number);

// The same status with `context` and ": " before its message.
absl::Status WithContext(std::string_view context, const absl::Status& status);

}  // namespace freshet

#endif  // FRESHET_SERVER_FILE_FILE_STATUS_H_
