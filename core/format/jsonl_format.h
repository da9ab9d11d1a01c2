// The format with one JSON object per line. These members are special, unless FormatOptions names
// others:
//
//   "label": a number, true, false, or text with the same meaning, such as "1" or "yes"
//   "weight": a number >= 0; 1 if absent
//   "tag": a string or a number
//
// Every other member is a namespace with its key as the name, and contains features:
//
//   "a": "v"           v               "a": {"k": "v"}              k=v
//   "a": 2             a, value 2      "a": {"k": 2}                k, value 2
//   "a": true          true            "a": {"k": true}             k=true
//   "a": ["v", "w"]    v, w            "a": {"k": ["v", "w"]}       k=v, k=w
//   "a": [0.5, 2]      0, value 0.5    "a": {"k": [0.5, 2]}         k.0, value 0.5
//                      1, value 2                                   k.1, value 2
//                                      "a": {"k": {"l": "v"}}       k.l=v
//
// null and the empty string give no feature. A list or an object within a list is an error.
//
// The Protobuf JSON form of freshet.v1.Example is read as well: if "namespaces" is an array of
// objects, each is {"name": "n", "features": [{"name": "f", "value": 2}, ...]}.

#ifndef FRESHET_CORE_FORMAT_JSONL_FORMAT_H_
#define FRESHET_CORE_FORMAT_JSONL_FORMAT_H_

#include <memory>

#include "absl/status/statusor.h"
#include "core/format/field_roles.h"
#include "core/format/row_format.h"

namespace freshet {

// INVALID_ARGUMENT for malformed options.
absl::StatusOr<std::unique_ptr<RowFormat>> MakeJsonlFormat(const FormatOptions& options);

// For FormatOptions that were prepared before. `labels_required`: see FormatOptions.
std::unique_ptr<RowFormat> MakeJsonlFormat(bool labels_required,
                                           std::shared_ptr<const PreparedInput> input);

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_JSONL_FORMAT_H_
