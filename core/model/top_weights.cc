#include "core/model/top_weights.h"

#include <array>
#include <cmath>
#include <utility>

namespace freshet {
namespace {

// The number of slots read at a time. Every table has a multiple of it, since tables have 2^bits
// slots with bits >= 10.
constexpr uint32_t kBlockSlots = 1024;

}  // namespace

bool TopWeightsScan::ReadPart() {
  if (next_slot_ >= learner_.slot_count()) return false;
  std::array<TableWeight, kBlockSlots> block;
  const auto first = static_cast<uint32_t>(next_slot_);
  learner_.ReadWeights(first, block);
  for (uint32_t i = 0; i < kBlockSlots; ++i) {
    if (block[i].weight != 0) largest_.Add(std::abs(block[i].weight), {first + i, block[i]});
  }
  next_slot_ += kBlockSlots;
  return true;
}

bool WeightComparisonScan::ReadPart() {
  if (next_slot_ >= new_learner_.slot_count()) return false;
  std::array<TableWeight, kBlockSlots> old_block;
  std::array<TableWeight, kBlockSlots> new_block;
  const auto first = static_cast<uint32_t>(next_slot_);
  old_learner_.ReadWeights(first, old_block);
  new_learner_.ReadWeights(first, new_block);
  for (uint32_t i = 0; i < kBlockSlots; ++i) {
    const float was = old_block[i].weight;
    const float is = new_block[i].weight;
    if (was == is) continue;
    ++counts_.changed_count;
    if (was == 0) ++counts_.added_count;
    if (is == 0) ++counts_.removed_count;
    largest_.Add(std::abs(1.0 * is - was), {first + i, was, new_block[i]});
  }
  next_slot_ += kBlockSlots;
  return true;
}

WeightComparison WeightComparisonScan::Take() {
  counts_.changes = largest_.Take();
  return std::move(counts_);
}

float InterceptOf(const Learner& learner) {
  const uint32_t zero = 0;
  const ExampleBatch nothing{.row_ends = {&zero, 1},
                             .labels = {},
                             .weights = {},
                             .feature_ids = {},
                             .values = {},
                             .namespace_hashes = {&zero, 1},
                             .segment_sizes = {&zero, 1}};
  float score = 0;
  learner.PredictBatch(nothing, {&score, 1});
  return score;
}

}  // namespace freshet
