// Giving a finished file its name without replacing another file.

#ifndef FRESHET_CLIENT_COMMAND_RENAME_TO_NEW_H_
#define FRESHET_CLIENT_COMMAND_RENAME_TO_NEW_H_

#include <string>

#include "absl/status/status.h"

namespace freshet {

// Renames the file `from` to `to`, in the same folder. ALREADY_EXISTS if there is anything called
// `to`, which then stays as it is, whenever it came into being. Any other error names both paths.
absl::Status RenameToNew(const std::string& from, const std::string& to);

// The same for file systems that cannot rename in this way: gives the file a second name and
// removes the first. RenameToNew() calls this where it has to. If the file system has no second
// names either, the error says so.
absl::Status LinkToNew(const std::string& from, const std::string& to);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_RENAME_TO_NEW_H_
