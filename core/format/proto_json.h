// The Protobuf form of a namespace in JSON lines, as in freshet.v1.Example:
//
//   {"name": "n", "features": [{"name": "f", "value": 2}, ...]}

#ifndef FRESHET_CORE_FORMAT_PROTO_JSON_H_
#define FRESHET_CORE_FORMAT_PROTO_JSON_H_

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "core/feature/example_batch.h"
#include "core/format/json_line.h"

namespace freshet {

// Reuses its buffers from namespace to namespace. Not thread-safe.
class ProtoNamespaceReader {
 public:
  // Adds the features of the object `element` of `line` to the open row.
  absl::Status Add(const JsonMember& element, JsonLine& line, ExampleBatchBuilder& builder);

 private:
  struct NamedValue {
    std::string_view name;
    float value;
  };

  absl::Status ReadFeatures(JsonMember& member, JsonLine& line);
  absl::Status ReadFeature(JsonMember& element, JsonLine& line);

  std::vector<NamedValue> features_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_PROTO_JSON_H_
