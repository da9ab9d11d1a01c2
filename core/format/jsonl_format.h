// One JSON object a line. These members are special, where FormatOptions name no others:
//
//   "label": a number, true, false, or text that says the same, as "1" and "yes"
//   "weight": a number >= 0, 1 where absent
//   "tag": a string or a number
//
// Every other member is a namespace with its key as the name, and holds features:
//
//   "a": "v"           v               "a": {"k": "v"}              k=v
//   "a": 2             a, value 2      "a": {"k": 2}                k, value 2
//   "a": true          true            "a": {"k": true}             k=true
//   "a": ["v", "w"]    v, w            "a": {"k": ["v", "w"]}       k=v, k=w
//   "a": [0.5, 2]      0, value 0.5    "a": {"k": [0.5, 2]}         k.0, value 0.5
//                      1, value 2                                   k.1, value 2
//                                      "a": {"k": {"l": "v"}}       k.l=v
//
// null and the empty string are no feature. A list within a list, or an object within one, is an
// error.
//
// The Protobuf JSON form of freshet.v1.Example is read as well: where "namespaces" is an array of
// objects, each is {"name": "n", "features": [{"name": "f", "value": 2}, ...]}.

#ifndef FRESHET_CORE_FORMAT_JSONL_FORMAT_H_
#define FRESHET_CORE_FORMAT_JSONL_FORMAT_H_

#include <memory>

#include "absl/status/statusor.h"
#include "core/format/row_format.h"

namespace freshet {

// INVALID_ARGUMENT for malformed options.
absl::StatusOr<std::unique_ptr<RowFormat>> MakeJsonlFormat(FormatOptions options);

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_JSONL_FORMAT_H_
