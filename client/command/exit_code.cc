#include "client/command/exit_code.h"

#include <sysexits.h>

#include "core/base/str_cat.h"

namespace freshet {

int ExitCode(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return EX_OK;
    case absl::StatusCode::kInvalidArgument:
      return EX_USAGE;
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kOutOfRange:
      return EX_DATAERR;
    case absl::StatusCode::kNotFound:
      return EX_NOINPUT;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kCancelled:
      return EX_UNAVAILABLE;
    case absl::StatusCode::kAlreadyExists:
      return EX_CANTCREAT;
    case absl::StatusCode::kUnknown:  // absl::ErrnoToStatus() for errno values without a code.
      return EX_IOERR;
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kAborted:
      return EX_TEMPFAIL;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return EX_NOPERM;
    case absl::StatusCode::kFailedPrecondition:
      return EX_CONFIG;
    default:
      return EX_SOFTWARE;
  }
}

absl::Status DataError(std::string_view message) { return absl::DataLossError(ToAbsl(message)); }

}  // namespace freshet
