#include "client/command/exit_code.h"

#include <sysexits.h>

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

// The payload of InterruptedError(): the number of the signal.
constexpr char kSignalPayload[] = "freshet/signal";

}  // namespace

int ExitCode(const absl::Status& status) {
  if (const auto payload = status.GetPayload(kSignalPayload); payload.has_value()) {
    int signal = 0;
    if (absl::SimpleAtoi(std::string(*payload), &signal)) return 128 + signal;
  }
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

absl::Status InterruptedError(int signal, std::string_view message) {
  absl::Status status = absl::CancelledError(ToAbsl(message));
  status.SetPayload(kSignalPayload, absl::Cord(StrCat(signal)));
  return status;
}

}  // namespace freshet
