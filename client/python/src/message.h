// Messages of the server as Python dictionaries.

#ifndef FRESHET_CLIENT_PYTHON_SRC_MESSAGE_H_
#define FRESHET_CLIENT_PYTHON_SRC_MESSAGE_H_

#include <nanobind/nanobind.h>

#include "google/protobuf/message.h"

namespace freshet::python {

// A dictionary with every field: messages as dictionaries, or None if absent; values of enums as
// names in lower case without the enum's own, such as "fsync", or "" if unspecified; timestamps as
// seconds since 1970. Optional numbers that are absent are None.
nanobind::dict ToPython(const google::protobuf::Message& message);

}  // namespace freshet::python

#endif  // FRESHET_CLIENT_PYTHON_SRC_MESSAGE_H_
