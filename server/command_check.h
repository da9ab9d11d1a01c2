// What `freshetd check` and `freshetd repair` do: they look for damage in files that no server
// uses, and cut a damaged log off.

#ifndef FRESHET_SERVER_COMMAND_CHECK_H_
#define FRESHET_SERVER_COMMAND_CHECK_H_

#include <cstdint>
#include <ostream>
#include <string>

#include "absl/status/statusor.h"
#include "server/file/file_system.h"

namespace freshet {

// Reads every byte of the logs and snapshots under `path`, a data folder or one model's folder in
// it, and writes to `out` what there is and what is damaged, with the ways out. Changes nothing.
// Returns whether all is good. FAILED_PRECONDITION where a server uses the folder; NOT_FOUND where
// `path` is neither.
absl::StatusOr<bool> RunCheck(FileSystem& file_system, const std::string& path, std::ostream& out);

// Removes the record at `offset` and all that follows from a model's log, and writes to `out` what
// it did. `path` is the model's folder, or a data folder with a single model. As RunCheck(); and
// INVALID_ARGUMENT or DATA_LOSS, with nothing changed, where the log cannot be cut there.
absl::Status RunRepair(FileSystem& file_system, const std::string& path, uint64_t offset,
                       std::ostream& out);

}  // namespace freshet

#endif  // FRESHET_SERVER_COMMAND_CHECK_H_
