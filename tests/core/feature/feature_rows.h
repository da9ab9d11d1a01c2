// Helpers for tests to write and read the features of a row by namespace.

#ifndef FRESHET_TESTS_CORE_FEATURE_FEATURE_ROWS_H_
#define FRESHET_TESTS_CORE_FEATURE_FEATURE_ROWS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/feature/example_batch.h"
#include "core/feature/feature_columns.h"
#include "core/feature/feature_expander.h"

namespace freshet {

using IdValue = std::pair<uint32_t, float>;
using NamedSegment = std::pair<std::string, std::vector<IdValue>>;

inline void AddRow(const std::vector<NamedSegment>& segments, ExampleBatchBuilder& builder) {
  builder.BeginRow(1, 1);
  for (const auto& [name, features] : segments) {
    const size_t index = builder.Namespace(name);
    for (const auto& [id, value] : features) builder.AddFeature(index, id, value);
  }
  builder.EndRow();
}

inline std::vector<IdValue> FeaturesOf(const FeatureColumns& columns) {
  std::vector<IdValue> features;
  for (size_t i = 0; i < columns.size(); ++i) {
    features.emplace_back(columns.id_column()[i], columns.value_column()[i]);
  }
  return features;
}

// The expanded features of one row.
inline std::vector<IdValue> Expand(const FeatureExpander& expander,
                                   const std::vector<NamedSegment>& segments) {
  ExampleBatchBuilder builder;
  AddRow(segments, builder);
  FeatureExpander::Plan plan;
  FeatureColumns columns;
  expander.MakePlan(builder.View(), plan);
  expander.AppendRow(builder.View(), 0, plan, columns);
  return FeaturesOf(columns);
}

// Lets the expander observe one row.
inline void Observe(FeatureExpander& expander, const std::vector<NamedSegment>& segments) {
  ExampleBatchBuilder builder;
  AddRow(segments, builder);
  FeatureExpander::Plan plan;
  expander.MakePlan(builder.View(), plan);
  expander.Observe(builder.View(), 0, plan);
}

}  // namespace freshet

#endif  // FRESHET_TESTS_CORE_FEATURE_FEATURE_ROWS_H_
