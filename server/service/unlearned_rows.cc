#include "server/service/unlearned_rows.h"

#include <span>

namespace freshet {
namespace {

// A value that is transformed is learned under the ids of what it becomes.
bool IsLookedUp(const ServedVariant& variant, float value) {
  return variant.expander == nullptr || value == 1;
}

}  // namespace

void UnlearnedRows::Judge(const ServedVariant& variant, const ExampleBatch& batch, size_t begin,
                          size_t end) {
  if (variant.learner->example_count() == 0) return;
  const auto mask = static_cast<uint32_t>(variant.learner->slot_count() - 1);
  for (size_t row = begin; row < end && looked_up_ < kMaxFeatures; ++row) {
    size_t known = 0;
    size_t unknown = 0;
    for (uint32_t i = batch.RowBegin(row); i < batch.RowEnd(row); ++i) {
      if (!IsLookedUp(variant, ValueAt(batch.values, i))) continue;
      TableWeight slot;
      variant.learner->ReadWeights(batch.feature_ids[i] & mask, {&slot, 1});
      ++(slot.weight == 0 && slot.evidence == 0 ? unknown : known);
    }
    looked_up_ += known + unknown;
    if (unknown > known) rows_.push_back(static_cast<uint32_t>(row));
  }
}

}  // namespace freshet
