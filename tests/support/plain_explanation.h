// Weights and explanations made of nothing but predictions: right for every learner, and slow.

#ifndef FRESHET_TESTS_SUPPORT_PLAIN_EXPLANATION_H_
#define FRESHET_TESTS_SUPPORT_PLAIN_EXPLANATION_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/model/learner.h"

namespace freshet {

// As Learner::ReadWeights(), without evidence: what a feature of value 1 adds to the score of an
// example without features.
void ReadPlainWeights(const Learner& learner, uint32_t first_slot, std::span<TableWeight> weights);

// As Learner::Explain(). A feature's contribution is what it adds to the features before it, and
// what it adds to those behind it, in the mean: for a linear learner weight times value, and where
// features act together in pairs, each has half of what they do (the Shapley value). Takes time
// quadratic in the number of features.
Explanation ExplainPlainly(const Learner& learner, const ExampleBatch& batch, size_t row);

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_PLAIN_EXPLANATION_H_
