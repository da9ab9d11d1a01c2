// One JSON object a line. These members are special:
//
//   "label": a number, or true (1) or false (0)     "weight": a number >= 0, 1 where absent
//   "tag": a string or a number
//
// Every other member is a namespace with its key as the name. A string is a feature named by it;
// true and false are features named so; a number is a feature named as the key, with that value; an
// array of strings is several features. An object holds several features: "k": "v" is one named
// k=v, "k": true one named k=true, and "k": 2 one named k with the value 2. null and the empty
// string are no feature.
//
// The Protobuf JSON form of freshet.v1.Example is read as well: where "namespaces" is an array of
// objects, each is {"name": "n", "features": [{"name": "f", "value": 2}, ...]}.

#ifndef FRESHET_CORE_FORMAT_JSONL_FORMAT_H_
#define FRESHET_CORE_FORMAT_JSONL_FORMAT_H_

#include <memory>

#include "core/format/row_format.h"

namespace freshet {

// A row without a label is an error where labels are required, else it has the label 0.
std::unique_ptr<RowFormat> MakeJsonlFormat(bool labels_required);

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_JSONL_FORMAT_H_
