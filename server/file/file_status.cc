#include "server/file/file_status.h"

#include <cerrno>
#include <string>
#include <system_error>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

absl::StatusCode CodeOf(int error_number) {
  switch (error_number) {
    case ENOENT:
      return absl::StatusCode::kNotFound;
    case EEXIST:
      return absl::StatusCode::kAlreadyExists;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
      return absl::StatusCode::kResourceExhausted;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    default:
      return absl::StatusCode::kInternal;
  }
}

absl::Status MakeError(absl::StatusCode code, std::string_view path, std::string_view operation,
                       int error_number) {
  const std::string reason = std::generic_category().message(error_number);
  return {code, StrCat(path, ": cannot ", operation, ": ", reason)};
}

}  // namespace

absl::Status FileError(std::string_view path, std::string_view operation, int error_number) {
  return MakeError(CodeOf(error_number), path, operation, error_number);
}

absl::Status FileReadError(std::string_view path, std::string_view operation, int error_number) {
  const absl::StatusCode code =
      error_number == EIO ? absl::StatusCode::kDataLoss : CodeOf(error_number);
  return MakeError(code, path, operation, error_number);
}

absl::Status WithContext(std::string_view context, const absl::Status& status) {
  if (status.ok()) return status;
  return {status.code(), StrCat(context, ": ", ToStd(status.message()))};
}

}  // namespace freshet
