#include "client/command/rename_to_new.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

absl::Status CannotRename(const std::string& from, const std::string& to, int error) {
  return absl::ErrnoToStatus(error, StrCat("cannot rename ", from, " to ", to));
}

}  // namespace

absl::Status LinkToNew(const std::string& from, const std::string& to) {
  if (link(from.c_str(), to.c_str()) == 0) {
    // The file is complete under its new name, so an old name that stays does no harm.
    unlink(from.c_str());
    return absl::OkStatus();
  }
  if (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS) {
    return absl::UnknownError(
        StrCat("cannot rename ", from, " to ", to,
               ": the file system cannot rule out that this replaces another file; use --force, "
               "which may, or a folder on another file system"));
  }
  return CannotRename(from, to, errno);
}

absl::Status RenameToNew(const std::string& from, const std::string& to) {
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) {
    return absl::OkStatus();
  }
  if (errno == EINVAL || errno == ENOSYS) return LinkToNew(from, to);
  return CannotRename(from, to, errno);
}

}  // namespace freshet
