#include "client/python/src/row_text.h"

#include <array>
#include <charconv>
#include <cmath>

#include "client/python/src/error.h"
#include "core/base/str_cat.h"

namespace freshet::python {
namespace {

namespace nb = nanobind;

// Recursion ends here, since core/format allows no deeper nesting either.
constexpr size_t kMaxBytesOfPath = 4096;

[[noreturn]] void ThrowBad(const std::string& path, std::string reason) {
  throw StatusError(StatusError::Row{std::nullopt, path, std::move(reason)});
}

std::string_view TextOf(PyObject* text) {
  Py_ssize_t size = 0;
  const char* data = PyUnicode_AsUTF8AndSize(text, &size);
  if (data == nullptr) throw nb::python_error();
  return {data, static_cast<size_t>(size)};
}

std::string TypeName(nb::handle value) { return Py_TYPE(value.ptr())->tp_name; }

std::string Below(const std::string& path, std::string_view key) {
  if (path.size() > kMaxBytesOfPath) ThrowBad(path.substr(0, 60), "is nested too deeply");
  return path.empty() ? std::string(key) : StrCat(path, ".", key);
}

template <typename Number>
bool AppendNumber(Number number, std::string& out) {
  if (!std::isfinite(number)) return false;
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
  const std::string_view text(buffer.data(), static_cast<size_t>(end - buffer.data()));
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
  return true;
}

void AppendFloat(double number, const std::string& path, std::string& out) {
  if (std::isnan(number)) {
    out += "null";
  } else if (!AppendNumber(number, out)) {
    ThrowBad(path, "is infinite; it must be a finite number, or None if there is no value");
  }
}

void AppendInteger(PyObject* number, std::string& out) {
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(number, &overflow);
  if (overflow == 0) {
    if (value == -1 && PyErr_Occurred() != nullptr) throw nb::python_error();
    std::array<char, 24> buffer;
    out.append(buffer.data(),
               std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr);
    return;
  }
  const nb::object text = nb::steal(PyObject_Str(number));
  if (!text.is_valid()) throw nb::python_error();
  out += TextOf(text.ptr());
}

void AppendList(nb::handle list, const std::string& path, std::string& out) {
  out += '[';
  bool first = true;
  for (const nb::handle element : list) {
    if (!first) out += ',';
    first = false;
    AppendJson(element, path, out);
  }
  out += ']';
}

void AppendMember(nb::handle key, nb::handle value, const std::string& path, std::string& out) {
  if (!PyUnicode_Check(key.ptr())) {
    ThrowBad(path, StrCat("has a key of the type ", TypeName(key), "; keys must be str"));
  }
  const std::string_view name = TextOf(key.ptr());
  AppendJsonText(name, out);
  out += ':';
  PyObject* const plain = value.ptr();
  // Fast paths, which need no path for an error.
  if (PyUnicode_CheckExact(plain)) {
    AppendJsonText(TextOf(plain), out);
  } else if (PyLong_CheckExact(plain)) {
    AppendInteger(plain, out);
  } else {
    AppendJson(value, Below(path, name), out);
  }
}

void AppendMembers(nb::handle dict, const std::string& path, bool& first, std::string& out) {
  if (PyDict_Check(dict.ptr())) {
    PyObject* key = nullptr;
    PyObject* value = nullptr;
    for (Py_ssize_t i = 0; PyDict_Next(dict.ptr(), &i, &key, &value) != 0;) {
      if (!first) out += ',';
      first = false;
      AppendMember(key, value, path, out);
    }
    return;
  }
  for (const nb::handle item : dict.attr("items")()) {
    if (!first) out += ',';
    first = false;
    AppendMember(item[0], item[1], path, out);
  }
}

// Values that are not of Python's plain types.
void AppendOther(nb::handle value, const std::string& path, std::string& out) {
  PyObject* const object = value.ptr();
  const std::string type = TypeName(value);
  if (type == "NAType" || type == "NaTType" || type.ends_with(".NAType") ||
      type.ends_with(".NaTType")) {
    out += "null";
  } else if (PyMapping_Check(object) != 0 && PyObject_HasAttrString(object, "items") != 0) {
    out += '{';
    bool first = true;
    AppendMembers(value, path, first, out);
    out += '}';
  } else if (PyObject_HasAttrString(object, "isoformat") != 0) {
    AppendJson(value.attr("isoformat")(), path, out);
  } else if (PyObject_HasAttrString(object, "tolist") != 0) {  // NumPy: an array or a scalar.
    const nb::object plain = value.attr("tolist")();
    if (plain.ptr()->ob_type == object->ob_type) ThrowBad(path, StrCat("is of the type ", type));
    AppendJson(plain, path, out);
  } else if (PyIndex_Check(object) != 0) {
    const nb::object number = nb::steal(PyNumber_Index(object));
    if (!number.is_valid()) throw nb::python_error();
    AppendInteger(number.ptr(), out);
  } else if (PyNumber_Check(object) != 0) {
    const double number = PyFloat_AsDouble(object);
    if (number == -1 && PyErr_Occurred() != nullptr) throw nb::python_error();
    AppendFloat(number, path, out);
  } else {
    ThrowBad(path, StrCat("is of the type ", type,
                          "; a value is str, a number, bool, None, a list of these, or a dict"));
  }
}

}  // namespace

void AppendJsonText(std::string_view text, std::string& out) {
  out += '"';
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, begin, i - begin);
    begin = i + 1;
    if (c == '"' || c == '\\') {
      out += '\\';
      out += text[i];
    } else {
      constexpr char kDigits[] = "0123456789abcdef";
      out += "\\u00";
      out += kDigits[c >> 4];
      out += kDigits[c & 15];
    }
  }
  out.append(text, begin);
  out += '"';
}

bool AppendJsonNumber(double number, std::string& out) { return AppendNumber(number, out); }
bool AppendJsonNumber(float number, std::string& out) { return AppendNumber(number, out); }

void AppendJson(nb::handle value, const std::string& path, std::string& out) {
  PyObject* const object = value.ptr();
  if (PyUnicode_Check(object)) {
    AppendJsonText(TextOf(object), out);
  } else if (PyBool_Check(object)) {
    out += object == Py_True ? "true" : "false";
  } else if (PyLong_Check(object)) {
    AppendInteger(object, out);
  } else if (PyFloat_Check(object)) {
    AppendFloat(PyFloat_AS_DOUBLE(object), path, out);
  } else if (object == Py_None) {
    out += "null";
  } else if (PyDict_Check(object)) {
    out += '{';
    bool first = true;
    AppendMembers(value, path, first, out);
    out += '}';
  } else if (PyList_Check(object) || PyTuple_Check(object) || PyAnySet_Check(object)) {
    AppendList(value, path, out);
  } else {
    AppendOther(value, path, out);
  }
}

void RowText(nb::handle row, std::initializer_list<ExtraField> extra, std::string& out) {
  if (!PyDict_Check(row.ptr()) && PyObject_HasAttrString(row.ptr(), "items") == 0) {
    ThrowBad("", StrCat("a row is a dict of its fields, not of the type ", TypeName(row)));
  }
  out.assign(1, '{');
  bool first = true;
  AppendMembers(row, "", first, out);
  for (const ExtraField& field : extra) {
    if (!field.value.is_valid() || field.value.is_none()) continue;
    if (!first) out += ',';
    first = false;
    AppendJsonText(field.name, out);
    out += ':';
    AppendJson(field.value, std::string(field.name), out);
  }
  out += '}';
}

}  // namespace freshet::python
