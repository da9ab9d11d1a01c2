#include "tests/support/plain_explanation.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace freshet {
namespace {

// The features [begin, end) of one row, as a batch of its own.
class PartOfRow {
 public:
  PartOfRow(const ExampleBatch& batch, size_t row) : batch_(batch), row_(row) {}

  // REQUIRES: begin <= end <= the number of the row's features. Valid until the next call.
  ExampleBatch View(size_t begin, size_t end) {
    const size_t namespaces = batch_.namespace_hashes.size();
    const bool one_shape = batch_.segment_sizes.size() == namespaces;
    const auto sizes = batch_.segment_sizes.subspan(one_shape ? 0 : row_ * namespaces, namespaces);
    sizes_.clear();
    size_t segment_begin = 0;
    for (const uint32_t size : sizes) {
      const size_t segment_end = segment_begin + size;
      const size_t kept_begin = std::clamp(begin, segment_begin, segment_end);
      const size_t kept_end = std::clamp(end, segment_begin, segment_end);
      sizes_.push_back(static_cast<uint32_t>(kept_end - kept_begin));
      segment_begin = segment_end;
    }
    row_end_ = static_cast<uint32_t>(end - begin);
    ExampleBatch view = batch_;
    view.row_ends = {&row_end_, 1};
    view.labels = {};
    view.weights = {};
    const size_t first = batch_.RowBegin(row_) + begin;
    view.feature_ids = batch_.feature_ids.subspan(first, end - begin);
    if (!batch_.values.empty()) view.values = batch_.values.subspan(first, end - begin);
    view.segment_sizes = sizes_;
    return view;
  }

 private:
  const ExampleBatch& batch_;
  const size_t row_;
  uint32_t row_end_ = 0;
  std::vector<uint32_t> sizes_;
};

}  // namespace

void ReadPlainWeights(const Learner& learner, uint32_t first_slot, std::span<TableWeight> weights) {
  // One row per feature, and a last row without features.
  std::vector<uint32_t> ids(weights.size());
  std::iota(ids.begin(), ids.end(), first_slot);
  std::vector<uint32_t> row_ends(weights.size() + 1);
  std::iota(row_ends.begin(), row_ends.end(), 1U);
  row_ends.back() = static_cast<uint32_t>(ids.size());
  std::vector<uint32_t> sizes(row_ends.size(), 1);
  sizes.back() = 0;
  const uint32_t default_namespace = 0;
  const ExampleBatch batch{.row_ends = row_ends,
                           .labels = {},
                           .weights = {},
                           .feature_ids = ids,
                           .values = {},
                           .namespace_hashes = {&default_namespace, 1},
                           .segment_sizes = sizes};
  std::vector<float> scores(row_ends.size());
  learner.PredictBatch(batch, scores);
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = {.weight = scores[i] - scores.back()};
}

Explanation ExplainPlainly(const Learner& learner, const ExampleBatch& batch, size_t row) {
  PartOfRow part(batch, row);
  const auto score_of = [&](size_t begin, size_t end) {
    float score = 0;
    learner.PredictBatch(part.View(begin, end), {&score, 1});
    return score;
  };
  const size_t first = batch.RowBegin(row);
  const size_t size = batch.RowEnd(row) - first;
  Explanation explanation;
  explanation.score = score_of(0, size);
  explanation.contributions.resize(size);
  double total = 0;
  float score_before = score_of(0, 0);
  float score_from_here = explanation.score;
  for (size_t i = 0; i < size; ++i) {
    const float score_with = score_of(0, i + 1);
    const float score_behind = score_of(i + 1, size);
    Contribution& feature = explanation.contributions[i];
    feature.feature_id = batch.feature_ids[first + i];
    feature.value = batch.values.empty() ? 1.0f : batch.values[first + i];
    feature.contribution = ((1.0 * score_with - score_before) +  //
                            (1.0 * score_from_here - score_behind)) /
                           2;
    total += feature.contribution;
    score_before = score_with;
    score_from_here = score_behind;
    const auto slot = static_cast<uint32_t>(feature.feature_id % learner.slot_count());
    ReadPlainWeights(learner, slot, {&feature.weight, 1});
  }
  explanation.intercept = explanation.score - total;
  return explanation;
}

}  // namespace freshet
