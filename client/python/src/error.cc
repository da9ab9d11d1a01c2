#include "client/python/src/error.h"

#include <nanobind/stl/string.h>

#include <string_view>

#include "absl/strings/match.h"
#include "core/base/str_cat.h"

namespace freshet::python {
namespace {

namespace nb = nanobind;

std::string_view TakeUntil(std::string_view& text, std::string_view mark) {
  const size_t end = text.find(mark);
  if (end == std::string_view::npos) return {};
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(end + mark.size());
  return taken;
}

nb::object ExceptionOf(const StatusError& error) {
  const nb::module_ errors = nb::module_::import_("freshet._errors");
  const std::string message(error.status().message());
  if (!error.row()) {
    return errors.attr("from_status")(static_cast<int>(error.status().code()), message);
  }
  const StatusError::Row& row = *error.row();
  const nb::object number = row.number ? nb::cast(*row.number) : nb::none();
  return errors.attr("InvalidRow")(number, row.field, row.reason);
}

}  // namespace

StatusError BadRow(const absl::Status& status, std::optional<uint64_t> number) {
  // "column 17: member "age" must be ...": the column is one of text that the caller never saw.
  const std::string message(status.message());
  std::string_view rest = message;
  if (rest.starts_with("column ")) TakeUntil(rest, ": ");
  StatusError::Row row{number, "", std::string(rest)};
  for (const std::string_view begin : {"member \"", "the member \""}) {
    if (!rest.starts_with(begin)) continue;
    rest.remove_prefix(begin.size());
    row.field = TakeUntil(rest, "\"");
    row.reason = rest.substr(
        rest.find_first_not_of(' ') == std::string_view::npos ? 0 : rest.find_first_not_of(' '));
    break;
  }
  return StatusError(std::move(row));
}

void CheckSignals() {
  const nb::gil_scoped_acquire lock;
  if (PyErr_CheckSignals() != 0) throw nb::python_error();
}

void RegisterErrors(nb::module_& /*module*/) {
  nb::register_exception_translator([](const std::exception_ptr& thrown, void* /*payload*/) {
    try {
      std::rethrow_exception(thrown);
    } catch (const StatusError& error) {
      const nb::object exception = ExceptionOf(error);
      PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception.ptr())), exception.ptr());
    }
  });
}

}  // namespace freshet::python
