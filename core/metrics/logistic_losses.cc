#include "core/metrics/logistic_losses.h"

#include <algorithm>
#include <cstddef>

#include "core/base/portable_math.h"
#include "core/base/wide_path.h"

namespace freshet {
namespace {

constexpr double kMinProbability = 1e-15;

[[gnu::always_inline]] inline void Fill(double score_limit, ExampleBlock& block) {
  for (size_t i = 0; i < block.size; ++i) {
    const double score = std::min(std::max(block.scores[i], -score_limit), score_limit);
    const double exp_score = Exp(-score);
    block.predictions[i] = 1.0 / (1.0 + exp_score);
    // -log p = log(1 + exp(-s)), and -log(1 - p) = s - log p.
    block.losses[i] =
        std::max(NaturalLog(1.0 + exp_score) + (1.0 - block.labels[i]) * score, kMinProbability);
    block.base_rate_losses[i] = -NaturalLog(std::max(block.base_rate_losses[i], kMinProbability));
  }
}

[[FRESHET_WIDE_PATH]] void FillWide(double score_limit, ExampleBlock& block) {
  Fill(score_limit, block);
}

}  // namespace

void FillLogisticLosses(double score_limit, ExampleBlock& block) {
  if (WidePathIsOn()) {
    FillWide(score_limit, block);
  } else {
    Fill(score_limit, block);
  }
}

}  // namespace freshet
