// Helpers to explain scores that are sums over features.

#ifndef FRESHET_CORE_MODEL_LINEAR_EXPLANATION_H_
#define FRESHET_CORE_MODEL_LINEAR_EXPLANATION_H_

#include <cstddef>

#include "core/feature/example_batch.h"
#include "core/model/example_row.h"
#include "core/model/learner.h"

namespace freshet {

// Calls explain(row) with the row as a UnitRow or a ValueRow.
template <typename Explain>
Explanation ExplainRowOf(const ExampleBatch& batch, size_t row, const Explain& explain) {
  return batch.values.empty() ? explain(UnitRow(batch, row)) : explain(ValueRow(batch, row));
}

// Adds a contribution for each feature: its weight times its value. weight_of(i) returns the weight
// of feature i.
template <typename Row, typename WeightOf>
void AddContributions(const Row& row, const WeightOf& weight_of, Explanation& explanation) {
  explanation.contributions.reserve(row.size);
  for (size_t i = 0; i < row.size; ++i) {
    const TableWeight weight = weight_of(i);
    explanation.contributions.push_back({.feature_id = row.ids[i],
                                         .value = row.Value(i),
                                         .weight = weight,
                                         .contribution = 1.0 * weight.weight * row.Value(i)});
  }
}

// Sets the score and the intercept. `sum` is the sum of the contributions and `intercept`. If
// `score` differs from it, because it was clipped, the intercept absorbs the difference.
inline void SetScore(float score, float sum, double intercept, Explanation& explanation) {
  explanation.score = score;
  explanation.intercept = intercept;
  if (score == sum) return;
  explanation.intercept = score;
  for (const Contribution& feature : explanation.contributions) {
    explanation.intercept -= feature.contribution;
  }
}

// The sum of `first` and all weights times values of an explanation, added up in the same order as
// learners do.
template <typename Row>
float SumOfWeights(const Row& row, float first, const Explanation& explanation) {
  return SumOf(row.size, first,
               [&](size_t i) { return explanation.contributions[i].weight.weight * row.Value(i); });
}

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_LINEAR_EXPLANATION_H_
