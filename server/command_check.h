// The commands `freshetd check` and `freshetd repair`: they find damage in files that no server
// uses, and repair it.

#ifndef FRESHET_SERVER_COMMAND_CHECK_H_
#define FRESHET_SERVER_COMMAND_CHECK_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>
#include <string>

#include "absl/status/statusor.h"
#include "server/file/file_system.h"

namespace freshet {

// Reads every byte of the models under `path`, a data folder or one model's folder in it, and
// writes to `out` what there is, what is damaged, whether recovery needs the damaged part, and how
// to repair it. Changes nothing. Returns whether everything is good. FAILED_PRECONDITION if a
// server uses the folder; NOT_FOUND if `path` is neither kind of folder.
absl::StatusOr<bool> RunCheck(FileSystem& file_system, const std::string& path, std::ostream& out);

struct RepairRequest {
  // The folder of a model, or a data folder. In a data folder with several models, only repairs
  // that lose no records are done.
  std::string path;
  // Truncates the log at this offset instead of the one that loses least.
  std::optional<uint64_t> truncate_at = {};
  // Called once `out` says what will be done and before anything is changed; an error ends the
  // repair. Null: goes on without asking.
  std::function<absl::Status()> confirm = {};
};

// Carries out the repair that RunCheck() names for each model, and writes to `out` what it did.
// Files that it removes are kept (see RepairModel()). A model without damage is left alone. Returns
// whether all damage was repaired. Errors as RunCheck(); INVALID_ARGUMENT, with nothing changed, if
// the log cannot be truncated at the requested offset or does not need to be; any
// error of `confirm`.
absl::StatusOr<bool> RunRepair(FileSystem& file_system, const RepairRequest& request,
                               std::ostream& out);

}  // namespace freshet

#endif  // FRESHET_SERVER_COMMAND_CHECK_H_
