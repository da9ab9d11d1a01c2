// Errors of the C++ library as Python exceptions.

#ifndef FRESHET_CLIENT_PYTHON_SRC_ERROR_H_
#define FRESHET_CLIENT_PYTHON_SRC_ERROR_H_

#include <nanobind/nanobind.h>

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace freshet::python {

// A status that becomes an exception of freshet._errors. May be thrown with or without the
// interpreter's lock.
class StatusError : public std::exception {
 public:
  // What is known of a row that was refused.
  struct Row {
    std::optional<uint64_t> number;  // Counted from 0.
    std::string field;
    std::string reason;
  };

  explicit StatusError(absl::Status status) : status_(std::move(status)) {}
  explicit StatusError(Row row)
      : status_(absl::InvalidArgumentError("invalid row")), row_(std::move(row)) {}

  const char* what() const noexcept override { return "freshet error"; }
  const absl::Status& status() const { return status_; }
  const std::optional<Row>& row() const { return row_; }

 private:
  absl::Status status_;
  std::optional<Row> row_;
};

// The error about the row with this number, if any, in a ParseError() of core/format.
StatusError BadRow(const absl::Status& status, std::optional<uint64_t> number);

// Throws unless the status is OK.
inline void Check(const absl::Status& status) {
  if (!status.ok()) throw StatusError(status);
}
template <typename T>
T Value(absl::StatusOr<T> value) {
  if (!value.ok()) throw StatusError(value.status());
  return *std::move(value);
}

// Throws KeyboardInterrupt and the like if a signal has come. Takes the interpreter's lock.
void CheckSignals();

void RegisterErrors(nanobind::module_& module);

}  // namespace freshet::python

#endif  // FRESHET_CLIENT_PYTHON_SRC_ERROR_H_
