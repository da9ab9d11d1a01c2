// What `freshetd check` and `freshetd repair` do: they look for damage in files that no server
// uses, and carry out the way out.

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
// writes to `out` what there is, what is damaged, whether recovery needs it, and the ways out.
// Changes nothing. Returns whether all is good. FAILED_PRECONDITION where a server uses the folder;
// NOT_FOUND where `path` is neither.
absl::StatusOr<bool> RunCheck(FileSystem& file_system, const std::string& path, std::ostream& out);

struct RepairRequest {
  // The folder of a model, or a data folder. In a data folder with several models a repair does
  // only what loses nothing.
  std::string path;
  // Cuts the log off here instead of where that loses least.
  std::optional<uint64_t> truncate_at = {};
  // Called before anything is changed, after `out` said what will be done: whether to go on. Null:
  // nobody is asked.
  std::function<bool()> confirm = {};
};

// Carries out the way out that RunCheck() names for each model, and writes to `out` what it did;
// what it takes away is kept (see RepairModel()). A model without damage is left alone. Returns
// whether all that is wrong was mended. Errors as RunCheck(); INVALID_ARGUMENT, with nothing
// changed, where the log cannot be cut off as asked for, or need not be; CANCELLED where it was not
// confirmed.
absl::StatusOr<bool> RunRepair(FileSystem& file_system, const RepairRequest& request,
                               std::ostream& out);

}  // namespace freshet

#endif  // FRESHET_SERVER_COMMAND_CHECK_H_
