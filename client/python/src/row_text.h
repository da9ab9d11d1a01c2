// Python values as JSON lines, which core/format reads: so a dictionary gives the features that
// the same row gives from a file.

#ifndef FRESHET_CLIENT_PYTHON_SRC_ROW_TEXT_H_
#define FRESHET_CLIENT_PYTHON_SRC_ROW_TEXT_H_

#include <nanobind/nanobind.h>

#include <string>
#include <string_view>

namespace freshet::python {

// Appends `text` as a JSON string.
void AppendJsonText(std::string_view text, std::string& out);

// Appends a finite number as Python writes it: 33.0, 0.1. False for others.
bool AppendJsonNumber(double number, std::string& out);
bool AppendJsonNumber(float number, std::string& out);

// Appends a value: a string, number, bool, None, a list of these, a dictionary, or what stands for
// one of these, such as numbers of NumPy, datetime and Decimal. NaN counts as None. Throws
// InvalidRow that names `path`, where the value is, for anything else and for infinite numbers.
void AppendJson(nanobind::handle value, const std::string& path, std::string& out);

// Sets `out` to a row; fields of `extra` names, if not empty, are appended with their values.
struct ExtraField {
  std::string_view name;
  nanobind::handle value;  // Null: none.
};
void RowText(nanobind::handle row, std::initializer_list<ExtraField> extra, std::string& out);

}  // namespace freshet::python

#endif  // FRESHET_CLIENT_PYTHON_SRC_ROW_TEXT_H_
