// Which weights of a learner matter most. Any thread, beside the writer.

#ifndef FRESHET_CORE_MODEL_TOP_WEIGHTS_H_
#define FRESHET_CORE_MODEL_TOP_WEIGHTS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/model/learner.h"

namespace freshet {

struct SlotWeight {
  uint32_t slot = 0;
  TableWeight weight;
};

// The `limit` largest weights, whatever their sign, largest first; of equal ones the lower slot
// first. Weights of 0 are left out. Reads the whole table once; memory is bounded by `limit`.
std::vector<SlotWeight> TopWeights(const Learner& learner, size_t limit);

struct SlotChange {
  uint32_t slot = 0;
  float old_weight = 0;
  TableWeight new_weight;
};

struct WeightComparison {
  std::vector<SlotChange> changes;  // The largest, as in TopWeights().
  uint64_t added_count = 0;         // Weights that were 0 and are not,
  uint64_t removed_count = 0;       // that were not and are 0,
  uint64_t changed_count = 0;       // and that differ at all.
};

// What changed from one learner to another. REQUIRES: they have equally many slots.
WeightComparison CompareWeights(const Learner& old_learner, const Learner& new_learner,
                                size_t limit);

// The score of an example without features.
float InterceptOf(const Learner& learner);

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_TOP_WEIGHTS_H_
