// A single example, for programs that build examples feature by feature.

#ifndef FRESHET_CLIENT_EXAMPLE_H_
#define FRESHET_CLIENT_EXAMPLE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/feature/example_batch.h"

namespace freshet {

// Features, a label and an importance weight. Names are hashed as they are added. Not thread-safe;
// cheap to reuse through Clear().
//
//   Example click;
//   click.label = 1;
//   click.Add("user", "u42");          // A category: value 1.
//   click.Add("stats", "age", 0.3f);   // A number.
class Example {
 public:
  // Logistic loss: 1 is positive, 0 or -1 negative. Squared loss: any finite number. Ignored when
  // predicting.
  float label = 0;
  // Importance weight: finite and >= 0.
  float weight = 1;

  // Adds a feature to a namespace; both are UTF-8 text. A feature name of digits only is an index
  // (see Feature.name in example.proto). The value must be finite; a feature of value 0 is left
  // out.
  void Add(std::string_view name_space, std::string_view feature, float value = 1.0f);

  // Adds a feature by its 32-bit id.
  void AddId(std::string_view name_space, uint32_t id, float value = 1.0f);

  // Resets to an example without features, with label 0 and weight 1. Keeps allocated memory.
  void Clear();

  // Adds this example as a row of `batch`.
  void AppendTo(ExampleBatchBuilder* batch) const;

  size_t feature_count() const { return features_.size(); }

 private:
  struct Namespace {
    std::string name;
    uint32_t hash;
  };
  struct Feature {
    uint32_t namespace_index;
    uint32_t id;
    float value;
    uint32_t name_begin;  // The offset of its name in names_.
    uint32_t name_size;   // 0 if it was added by its id.
  };

  uint32_t NamespaceIndex(std::string_view name);

  std::vector<Namespace> namespaces_;  // Not cleared by Clear(), since examples tend to be alike.
  std::vector<Feature> features_;
  std::string names_;  // The names of all features, concatenated.
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_EXAMPLE_H_
