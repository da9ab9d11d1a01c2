// Weights and explanations computed from predictions alone: right for every learner, and slow.

#ifndef FRESHET_TESTS_SUPPORT_PLAIN_EXPLANATION_H_
#define FRESHET_TESTS_SUPPORT_PLAIN_EXPLANATION_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/model/learner.h"

namespace freshet {

// Like Learner::ReadWeights(), but without evidence: what a feature of value 1 adds to the score of
// an example without features.
void ReadPlainWeights(const Learner& learner, uint32_t first_slot, std::span<TableWeight> weights);

// Like Learner::Explain(). A feature's contribution is the mean of what it adds to the features
// before it and what it adds to those after it. For a linear learner that is weight times value. If
// features act together in pairs, each feature gets half of the pair's effect (the Shapley value).
// Takes time quadratic in the number of features.
Explanation ExplainPlainly(const Learner& learner, const ExampleBatch& batch, size_t row);

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_PLAIN_EXPLANATION_H_
